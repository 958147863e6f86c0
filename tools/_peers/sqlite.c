/* SQLite: WAL, synchronous=FULL, prepared statements, a connection a thread, pages of 8 KB (a tenth
 * less time than 4 for these lines), a cache of 64 MB, the file mapped into memory for reading, and
 * a checkpoint each 32 MB of the WAL (less time than each 4). Its size is told after a checkpoint
 * that empties the WAL. */
#include "peer.h"

#include <sqlite3.h>

struct connection {
  sqlite3 *database;
  sqlite3_stmt *insert, *scan, *history;
};

static char path[4096];

static void execute(sqlite3 *database, const char *sql) {
  require(sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK, sqlite3_errmsg(database));
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql) {
  sqlite3_stmt *statement;
  int code = sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);
  require(code == SQLITE_OK, sqlite3_errmsg(database));
  return statement;
}

static sqlite3 *open_database(void) {
  sqlite3 *database;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  require(sqlite3_open_v2(path, &database, flags, NULL) == SQLITE_OK, path);
  sqlite3_busy_timeout(database, 60000);
  execute(database,
          "PRAGMA synchronous=FULL; PRAGMA cache_size=-65536; PRAGMA mmap_size=4294967296;"
          "PRAGMA wal_autocheckpoint=4096");
  return database;
}

void store_open(const char *place, int is_new) {
  snprintf(path, sizeof path, "%s/event.db", place);
  if (!is_new) return;
  sqlite3 *database = open_database();
  execute(database,
          "PRAGMA page_size=8192; PRAGMA journal_mode=WAL;"
          "CREATE TABLE event (id INTEGER PRIMARY KEY, type INTEGER NOT NULL,"
          " subject TEXT NOT NULL, key TEXT, line BLOB NOT NULL);"
          "CREATE INDEX subject ON event (subject);"
          "CREATE UNIQUE INDEX key ON event (key) WHERE key IS NOT NULL");
  sqlite3_close(database);
}

connection *connection_open(void) {
  connection *own = calloc(1, sizeof *own);
  own->database = open_database();
  own->insert = prepare(own->database, "INSERT INTO event VALUES (?, ?, ?, ?, ?)");
  own->scan = prepare(own->database, "SELECT type, line FROM event");
  own->history =
      prepare(own->database, "SELECT type, line FROM event WHERE subject = ? ORDER BY id");
  return own;
}

void connection_append(connection *own, const event *events, size_t count) {
  if (count > 1) execute(own->database, "BEGIN IMMEDIATE");
  for (size_t index = 0; index < count; index++) {
    const event *one = &events[index];
    sqlite3_bind_int64(own->insert, 1, (sqlite3_int64)one->id);
    sqlite3_bind_int(own->insert, 2, one->type);
    sqlite3_bind_text(own->insert, 3, one->subject, (int)one->subject_length, SQLITE_STATIC);
    sqlite3_bind_text(own->insert, 4, one->key, (int)one->key_length, SQLITE_STATIC);
    sqlite3_bind_blob(own->insert, 5, one->line, (int)one->length, SQLITE_STATIC);
    require(sqlite3_step(own->insert) == SQLITE_DONE, sqlite3_errmsg(own->database));
    sqlite3_reset(own->insert);
  }
  if (count > 1) execute(own->database, "COMMIT");
}

static void read_rows(connection *own, sqlite3_stmt *rows, tally *seen) {
  int code;
  while ((code = sqlite3_step(rows)) == SQLITE_ROW)
    note(seen, (uint8_t)sqlite3_column_int(rows, 0), sqlite3_column_blob(rows, 1),
         (size_t)sqlite3_column_bytes(rows, 1));
  require(code == SQLITE_DONE, sqlite3_errmsg(own->database));
  sqlite3_reset(rows);
}

void connection_scan(connection *own, tally *seen) { read_rows(own, own->scan, seen); }

void connection_history(connection *own, const char *subject, size_t length, tally *seen) {
  sqlite3_bind_text(own->history, 1, subject, (int)length, SQLITE_STATIC);
  read_rows(own, own->history, seen);
}

void connection_close(connection *own) {
  sqlite3_finalize(own->insert);
  sqlite3_finalize(own->scan);
  sqlite3_finalize(own->history);
  sqlite3_close(own->database);
  free(own);
}

void store_settle(void) {
  sqlite3 *database = open_database();
  execute(database, "PRAGMA wal_checkpoint(TRUNCATE)");
  sqlite3_close(database);
}

void store_close(void) {}
