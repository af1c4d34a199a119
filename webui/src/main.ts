import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { router, toSignIn } from './router'
import { useSession } from './stores/session'
import { useTheme } from './stores/theme'
import './styles/index.css'

async function start() {
  const app = createApp(App)
  app.use(createPinia())
  useTheme()
  const session = useSession()
  session.whenEnded(toSignIn)
  await session.resume()
  app.use(router)
  await router.isReady()
  app.mount('#app')
}

void start()
