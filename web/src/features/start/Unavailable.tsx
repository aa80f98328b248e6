import { sentence } from "@/api/http";
import { t } from "@/i18n";
import { Failure } from "@/ui/bits";

/** The server did not answer when the app started. */
export const Unavailable = ({ error, onRetry }: { error: unknown; onRetry: () => void }) => (
  <main className="grid h-full place-items-center bg-bg">
    <div className="text-center">
      <h1 className="text-xl font-semibold">{t("unavailable.title")}</h1>
      <Failure text={sentence(error)} onRetry={onRetry} />
    </div>
  </main>
);
