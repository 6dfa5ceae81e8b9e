// Runs in every test file: fails it when a server that it started has logged a secret or a whole stream key.
import { afterAll } from '@jest/globals';
import { checkLogs } from './watched-logs';

afterAll(checkLogs);
