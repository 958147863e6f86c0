/* PostgreSQL over its own socket: prepared statements, bytes as they are, and COPY for a
 * transaction of many. It counts by itself (GROUP BY, one process), since events that leave the
 * server cost far more. Its size is the table's and its indexes', after VACUUM.
 * tools/_bench_peers.py says what the server is set to. */
#include "peer.h"

#include <endian.h>
#include <libpq-fe.h>

struct connection {
  PGconn *server;
};

static const char *place;

static PGresult *must(PGconn *server, PGresult *result) {
  ExecStatusType status = PQresultStatus(result);
  require(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN,
          PQerrorMessage(server));
  return result;
}

static void execute(PGconn *server, const char *sql) { PQclear(must(server, PQexec(server, sql))); }

static PGconn *connect_server(void) {
  PGconn *server = PQconnectdb(place);
  require(PQstatus(server) == CONNECTION_OK, PQerrorMessage(server));
  return server;
}

static void prepare(PGconn *server, const char *name, const char *sql) {
  PQclear(must(server, PQprepare(server, name, sql, 0, NULL)));
}

void store_open(const char *given, int is_new) {
  place = given;
  if (!is_new) return;
  PGconn *server = connect_server();
  execute(server,
          "SET client_min_messages = error; DROP TABLE IF EXISTS event;"
          "CREATE TABLE event (id bigint PRIMARY KEY, type smallint NOT NULL,"
          " subject text NOT NULL, key text, line bytea NOT NULL);"
          "CREATE INDEX ON event (subject, id);"
          "CREATE UNIQUE INDEX ON event (key) WHERE key IS NOT NULL; CHECKPOINT");
  PQfinish(server);
}

connection *connection_open(void) {
  connection *own = calloc(1, sizeof *own);
  own->server = connect_server();
  prepare(own->server, "insert", "INSERT INTO event VALUES ($1, $2, $3, $4, $5)");
  prepare(own->server, "history",
          "SELECT type, line FROM event WHERE subject = $1 ORDER BY id");
  return own;
}

static void append_one(connection *own, const event *one) {
  uint64_t id = htobe64(one->id);
  uint16_t type = htobe16(one->type);
  const char *values[] = {(char *)&id, (char *)&type, one->subject, one->key, one->line};
  int lengths[] = {8, 2, (int)one->subject_length, (int)one->key_length, (int)one->length};
  int binary[] = {1, 1, 1, 1, 1};
  PQclear(must(own->server,
               PQexecPrepared(own->server, "insert", 5, values, lengths, binary, 1)));
}

static char *put_field(char *at, const void *bytes, uint32_t length) {
  uint32_t told = htobe32(bytes ? length : UINT32_MAX);
  memcpy(at, &told, 4);
  if (!bytes) return at + 4;
  memcpy(at + 4, bytes, length);
  return at + 4 + length;
}

void connection_append(connection *own, const event *events, size_t count) {
  if (count == 1) {
    append_one(own, events);
    return;
  }
  static const char header[19] = "PGCOPY\n\377\r\n", end[2] = "\377\377";
  size_t room = sizeof header + sizeof end;
  for (size_t index = 0; index < count; index++)
    room += 64 + events[index].subject_length + events[index].key_length + events[index].length;
  char *rows = malloc(room), *at = rows + sizeof header;
  require(rows != NULL, "no memory");
  memcpy(rows, header, sizeof header);
  for (size_t index = 0; index < count; index++) {
    const event *one = &events[index];
    uint64_t id = htobe64(one->id);
    uint16_t type = htobe16(one->type), fields = htobe16(5);
    memcpy(at, &fields, 2);
    at = put_field(at + 2, &id, 8);
    at = put_field(at, &type, 2);
    at = put_field(at, one->subject, one->subject_length);
    at = put_field(at, one->key, one->key_length);
    at = put_field(at, one->line, one->length);
  }
  memcpy(at, end, sizeof end);
  at += sizeof end;
  execute(own->server, "COPY event FROM STDIN (FORMAT binary)");
  require(PQputCopyData(own->server, rows, (int)(at - rows)) == 1 &&
              PQputCopyEnd(own->server, NULL) == 1,
          PQerrorMessage(own->server));
  for (PGresult *result; (result = PQgetResult(own->server));) PQclear(must(own->server, result));
  free(rows);
}

void connection_scan(connection *own, tally *seen) {
  PGresult *rows = must(own->server, PQexec(own->server,
      "SELECT type, count(*), sum(octet_length(line)) FROM event GROUP BY type"));
  for (int row = 0; row < PQntuples(rows); row++) {
    uint64_t count = strtoull(PQgetvalue(rows, row, 1), NULL, 10);
    seen->of_type[atoi(PQgetvalue(rows, row, 0))] += count;
    seen->events += count;
    seen->bytes += strtoull(PQgetvalue(rows, row, 2), NULL, 10);
  }
  PQclear(rows);
}

void connection_history(connection *own, const char *subject, size_t length, tally *seen) {
  const char *values[] = {subject};
  int lengths[] = {(int)length}, binary[] = {1};
  PGresult *rows = must(own->server,
      PQexecPrepared(own->server, "history", 1, values, lengths, binary, 1));
  for (int row = 0; row < PQntuples(rows); row++) {
    uint16_t type;
    memcpy(&type, PQgetvalue(rows, row, 0), 2);
    note(seen, (uint8_t)be16toh(type), PQgetvalue(rows, row, 1),
         (size_t)PQgetlength(rows, row, 1));
  }
  PQclear(rows);
}

void connection_close(connection *own) {
  PQfinish(own->server);
  free(own);
}

void store_settle(void) {
  PGconn *server = connect_server();
  execute(server, "VACUUM ANALYZE event");
  PQfinish(server);
}

void store_close(void) {}
