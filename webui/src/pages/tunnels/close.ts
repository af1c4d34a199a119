import { api } from '@/api/client'
import { confirm } from '@/composables/useConfirm'
import { useToasts } from '@/stores/toasts'
import { tunnels } from '@/texts'
import { wayOf, type Tunnel } from './links'

/** Asks, then closes a tunnel with its connections. True: it is closed. client: its name, for those who ask. */
export async function closeTunnel(
  tunnel: Tunnel,
  clientId: string,
  client = clientId,
): Promise<boolean> {
  const toasts = useToasts()
  const closed = await confirm({
    title: tunnels.close.title,
    name: [tunnel.name, client, wayOf(tunnel)].filter(Boolean).join(' · '),
    text: tunnels.close.text,
    action: tunnels.close.action,
    danger: true,
    run: () =>
      api.delete('/clients/{client_id}/tunnels/{tunnel_id}', {
        path: { client_id: clientId, tunnel_id: tunnel.id },
        query: { force: true },
      }),
  })
  if (closed) toasts.ok(tunnels.close.done)
  return closed
}
