import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** `vite --mode fake`: the app against the in-memory server of the tests, without any backend. */
function fakeServer(): Plugin {
  const mount = async (middlewares: { use: (handler: never) => void }) => {
    const { createFakeServer } = await import("./test/fake/server.ts");
    // FAKE_SIZE=10000: so many conversations, and a fifth as many messages in the first, to see how the screens bear it.
    const size = Number(process.env["FAKE_SIZE"]);
    middlewares.use(createFakeServer(size ? { count: size, long: size / 5 } : {}).handle as never);
  };
  return {
    name: "fake-server",
    configureServer: (server) => mount(server.middlewares as never),
    configurePreviewServer: (server) => mount(server.middlewares as never),
  };
}

const backend = "http://127.0.0.1:8080";

export default defineConfig(({ mode }) => ({
  base: "/",
  plugins: [react(), tailwindcss(), ...(mode === "fake" ? [fakeServer()] : [])],
  resolve: { alias: { "@": here("./src") } },
  server: {
    proxy: mode === "fake" ? undefined : { "/api": backend, "/widget": backend, "/hooks": backend },
  },
  build: {
    outDir: here("../src/frontdesk/static/app"),
    emptyOutDir: true,
    manifest: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    sourcemap: false,
  },
}));
