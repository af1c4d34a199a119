import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { router } from './router'
import { useSession } from './stores/session'
import { useTheme } from './stores/theme'
import './styles/index.css'

async function start() {
  const app = createApp(App)
  app.use(createPinia())
  useTheme()
  const session = useSession()
  session.whenLeft(() => void router.push('/login'))
  session.whenReplaced(() => location.assign('/'))
  await session.resume()
  app.use(router)
  // A page that cannot be loaded says so itself.
  await router.isReady().catch(() => undefined)
  app.mount('#app')
}

void start()
