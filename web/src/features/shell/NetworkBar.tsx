import { useEffect, useState, useSyncExternalStore } from "react";
import { t } from "@/i18n";
import { connectionNow } from "@/sync/live";
import { store } from "@/sync/store";

/** Short interruptions are nobody's business. */
const PATIENCE_MS = 3_000;

const useConnection = () => useSyncExternalStore((listener) => store.subscribe("connection", listener), connectionNow);

function useOnline(): boolean {
  return useSyncExternalStore(
    (listener) => {
      addEventListener("online", listener);
      addEventListener("offline", listener);
      return () => {
        removeEventListener("online", listener);
        removeEventListener("offline", listener);
      };
    },
    () => navigator.onLine,
  );
}

export function NetworkBar() {
  const online = useOnline();
  const away = useConnection() !== "live";
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!away) return setLate(false);
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [away]);
  const shown = !online || (away && late);
  return (
    <div role="status" className={shown ? "bg-ink px-3 py-1 text-center text-xs text-bg" : "sr-only"}>
      {shown && t(online ? "network.reconnecting" : "network.offline")}
    </div>
  );
}
