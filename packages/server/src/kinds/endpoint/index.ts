import { endpointKind } from '@dais/api';
import type { KindDefinition } from '#kernel/kind.ts';
import { endpointController } from './endpoint-controller.ts';

export const endpoint: KindDefinition = { spec: endpointKind, controller: endpointController };
