/** The engine on a machine without namespaces. */
import { openIsolation } from '#engines/isolation/open-isolation.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { PythonInference } from './python-engine.ts';
import { pythonModels, pythonSuite } from './python-models.testing.ts';

const isolation = openIsolation({ boundaries: ['landlock'], limits: 'rlimit' });
const engine = new PythonInference({ clock: systemClock, log: silentLog, isolation });

pythonSuite('python, isolated without namespaces', engine, pythonModels());
