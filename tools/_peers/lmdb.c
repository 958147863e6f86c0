/* LMDB: no flags, so each commit is written and synchronized before it returns; a reader's
 * transaction is renewed for each history. Three tables: number -> type and line, subject ->
 * numbers (duplicates of fixed size), key -> number. It has nothing to settle. */
#include "peer.h"

#include <lmdb.h>

struct connection {
  MDB_txn *reader;
  MDB_cursor *all, *of_subject;
};

static MDB_env *environment;
static MDB_dbi numbers, subjects, keys;

static void must(int code) { require(code == 0, mdb_strerror(code)); }

void store_open(const char *place, int is_new) {
  must(mdb_env_create(&environment));
  must(mdb_env_set_mapsize(environment, (size_t)64 << 30));
  must(mdb_env_set_maxdbs(environment, 3));
  must(mdb_env_open(environment, place, 0, 0600));
  MDB_txn *transaction;
  unsigned create = is_new ? MDB_CREATE : 0;
  must(mdb_txn_begin(environment, NULL, 0, &transaction));
  must(mdb_dbi_open(transaction, "number", create | MDB_INTEGERKEY, &numbers));
  unsigned many = MDB_DUPSORT | MDB_DUPFIXED | MDB_INTEGERDUP;
  must(mdb_dbi_open(transaction, "subject", create | many, &subjects));
  must(mdb_dbi_open(transaction, "key", create, &keys));
  must(mdb_txn_commit(transaction));
}

connection *connection_open(void) {
  connection *own = calloc(1, sizeof *own);
  must(mdb_txn_begin(environment, NULL, MDB_RDONLY, &own->reader));
  must(mdb_cursor_open(own->reader, numbers, &own->all));
  must(mdb_cursor_open(own->reader, subjects, &own->of_subject));
  mdb_txn_reset(own->reader);
  return own;
}

void connection_append(connection *own, const event *events, size_t count) {
  (void)own;
  MDB_txn *transaction;
  must(mdb_txn_begin(environment, NULL, 0, &transaction));
  for (size_t index = 0; index < count; index++) {
    const event *one = &events[index];
    size_t id = one->id;
    MDB_val number = {sizeof id, &id};
    MDB_val value = {1 + one->length, NULL};
    must(mdb_put(transaction, numbers, &number, &value, MDB_RESERVE | MDB_NOOVERWRITE));
    *(uint8_t *)value.mv_data = one->type;
    memcpy((char *)value.mv_data + 1, one->line, one->length);
    MDB_val subject = {one->subject_length, (void *)one->subject};
    must(mdb_put(transaction, subjects, &subject, &number, 0));
    if (!one->key) continue;
    MDB_val key = {one->key_length, (void *)one->key};
    must(mdb_put(transaction, keys, &key, &number, MDB_NOOVERWRITE));
  }
  must(mdb_txn_commit(transaction));
}

static void note_value(tally *seen, const MDB_val *value) {
  const char *bytes = value->mv_data;
  note(seen, (uint8_t)bytes[0], bytes + 1, value->mv_size - 1);
}

static void renew(connection *own) {
  must(mdb_txn_renew(own->reader));
  must(mdb_cursor_renew(own->reader, own->all));
  must(mdb_cursor_renew(own->reader, own->of_subject));
}

void connection_scan(connection *own, tally *seen) {
  renew(own);
  MDB_val number, value;
  int code;
  while ((code = mdb_cursor_get(own->all, &number, &value, MDB_NEXT)) == 0)
    note_value(seen, &value);
  require(code == MDB_NOTFOUND, mdb_strerror(code));
  mdb_txn_reset(own->reader);
}

void connection_history(connection *own, const char *subject, size_t length, tally *seen) {
  renew(own);
  MDB_val key = {length, (void *)subject}, number, value;
  int code = mdb_cursor_get(own->of_subject, &key, &number, MDB_SET);
  while (code == 0) {
    must(mdb_cursor_get(own->all, &number, &value, MDB_SET));
    note_value(seen, &value);
    code = mdb_cursor_get(own->of_subject, &key, &number, MDB_NEXT_DUP);
  }
  require(code == MDB_NOTFOUND, mdb_strerror(code));
  mdb_txn_reset(own->reader);
}

void connection_close(connection *own) {
  mdb_cursor_close(own->all);
  mdb_cursor_close(own->of_subject);
  mdb_txn_abort(own->reader);
  free(own);
}

void store_settle(void) {}

void store_close(void) { mdb_env_close(environment); }
