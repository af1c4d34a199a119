// Vite builds into build/webui/dist, which scripts/embed puts into the binary.
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

export default defineConfig({
  plugins: [vue()],
  resolve: { alias: { '@': path('./src') } },
  build: {
    outDir: path('../build/webui/dist'),
    emptyOutDir: true,
    manifest: 'manifest.json',
    target: 'es2022',
    // The Content-Security-Policy knows no data: fonts or scripts, and hashed files are cached.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
  },
  server: {
    // `npm run dev` beside a server: RPORT_API=http://127.0.0.1:3000
    proxy: {
      '/api': { target: process.env.RPORT_API ?? 'http://127.0.0.1:3000', ws: true },
    },
  },
  test: { include: ['test/unit/**/*.test.ts'], environment: 'node' },
})
