/** Webhooks and alert channels. */
export { alertChannelKind, alertChannelSpec, alertChannelStatus } from '#kinds/alert-channel.ts';
export {
  createWebhookOperation,
  deleteWebhookOperation,
  listWebhookDeliveriesOperation,
  listWebhooksOperation,
  readWebhookOperation,
  testWebhookOperation,
  updateWebhookOperation,
  webhookOperations,
} from '#operations/webhooks.ts';
export { deliveryStates, webhookStatuses } from '#records/webhook.ts';
export type { DeliveryState, Webhook, WebhookDelivery, WebhookStatus, WebhookTest } from '#records/webhook.ts';
