#include <sqlite3.h>

// What Swift can't call as it stands: a variadic function, and two whose last argument is a
// function pointer made of an integer.

static inline int ledger_sqlite_configure(sqlite3 *connection, int option, int value) {
  return sqlite3_db_config(connection, option, value, (int *)0);
}

// Memory isn't counted, which costs a lock at each allocation; only before the first connection.
static inline int ledger_sqlite_leave_memory_uncounted(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static inline int ledger_sqlite_bind_text(
    sqlite3_stmt *statement, int index, const unsigned char *text, int length) {
  return sqlite3_bind_text(statement, index, (const char *)text, length, SQLITE_TRANSIENT);
}

static inline int ledger_sqlite_bind_blob(
    sqlite3_stmt *statement, int index, const unsigned char *bytes, int length) {
  return sqlite3_bind_blob(statement, index, bytes, length, SQLITE_TRANSIENT);
}

// Called after each commit with the number of pages in the write-ahead log.
static inline int ledger_sqlite_note_pages(
    void *pages, sqlite3 *connection, const char *name, int count) {
  (void)connection;
  (void)name;
  *(int *)pages = count;
  return SQLITE_OK;
}

static inline void ledger_sqlite_count_pages(sqlite3 *connection, int *pages) {
  sqlite3_wal_hook(connection, ledger_sqlite_note_pages, pages);
}
