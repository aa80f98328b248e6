import "./styles/app.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { paintTheme, theme } from "./actions/screen";
import { whenSignedOut } from "./api/http";
import { arrive, type Arrival } from "./features/shell/session";
import { Unavailable } from "./features/start/Unavailable";
import { switchLanguage } from "./i18n";
import { makeRouter } from "./router";
import { TipProvider } from "./ui/Tooltip";

const queries = new QueryClient({
  defaultOptions: { queries: { retry: 1, staleTime: 15_000, refetchOnWindowFocus: true } },
});

function start(arrival: Arrival): void {
  const router = makeRouter(queries, arrival);
  whenSignedOut(() => {
    if (!["/sign-in", "/setup"].includes(location.pathname)) location.assign("/sign-in");
  });
  root.render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <TipProvider>
          <RouterProvider router={router} />
        </TipProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}

async function boot(): Promise<void> {
  try {
    await switchLanguage(navigator.language);
    start(await arrive(queries));
  } catch (error) {
    root.render(<Unavailable error={error} onRetry={() => void boot()} />);
  }
}

const root = createRoot(document.getElementById("app") as HTMLElement);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme.get() === "system" && paintTheme());
void boot();
