import { Link } from "@tanstack/react-router";
import { t } from "@/i18n";
import { Empty } from "@/ui/bits";
import { Search } from "@/ui/icons";

/** An address that leads nowhere: says so, and shows the way back. */
export const NotFound = () => (
  <main id="main" className="grid h-full flex-1 place-items-center bg-bg">
    <h1 className="sr-only">{t("not_found")}</h1>
    <Empty icon={Search} title={t("not_found")} text={t("not_found_text")}>
      <Link to="/" className="rounded-lg bg-accent px-3.5 py-2 font-semibold text-accentink hover:bg-accent-hover">
        {t("not_found_back")}
      </Link>
    </Empty>
  </main>
);
