/* RocksDB: WriteOptions.sync, so writers that wait share a sync; blocks of 16 KB (a third less time
 * for a scan than 4, and a third less space), a block cache of 2 GB, write buffers of 128 MB, Bloom
 * filters of 10 bits; compression (Snappy) and the rest as they come. One order of keys: "e" number
 * -> type and line, "k" key -> number, "s" subject NUL number. A key is looked up before it is
 * written, a number isn't. Its size is told after a full compaction. */
#include "peer.h"

#include <rocksdb/c.h>

enum { BATCH = 256 };

struct connection {
  rocksdb_writebatch_t *batch;
};

static rocksdb_t *database;
static rocksdb_options_t *options;
static rocksdb_writeoptions_t *durably;
static rocksdb_readoptions_t *plainly, *events_only;

static void must(char *error) { require(error == NULL, error); }

static void put_number(char *at, uint64_t number) {
  for (int index = 0; index < 8; index++) at[index] = (char)(number >> (56 - 8 * index));
}

void store_open(const char *place, int is_new) {
  rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
  rocksdb_block_based_options_set_block_cache(table, rocksdb_cache_create_lru((size_t)2 << 30));
  rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10));
  rocksdb_block_based_options_set_block_size(table, 16384);
  options = rocksdb_options_create();
  rocksdb_options_set_write_buffer_size(options, 128 << 20);
  rocksdb_options_set_block_based_table_factory(options, table);
  rocksdb_options_set_create_if_missing(options, (unsigned char)is_new);
  rocksdb_options_set_compression(options, rocksdb_snappy_compression);
  char *error = NULL;
  database = rocksdb_open(options, place, &error);
  must(error);
  durably = rocksdb_writeoptions_create();
  rocksdb_writeoptions_set_sync(durably, 1);
  plainly = rocksdb_readoptions_create();
  events_only = rocksdb_readoptions_create();
  rocksdb_readoptions_set_iterate_lower_bound(events_only, "e", 1);
  rocksdb_readoptions_set_iterate_upper_bound(events_only, "f", 1);
}

connection *connection_open(void) {
  connection *own = calloc(1, sizeof *own);
  own->batch = rocksdb_writebatch_create();
  return own;
}

static void put_key(connection *own, const event *one, const char *number) {
  char key[1 + LINE_LIMIT] = "k", *error = NULL;
  size_t length = 0;
  memcpy(key + 1, one->key, one->key_length);
  char *found = rocksdb_get(database, plainly, key, 1 + one->key_length, &length, &error);
  must(error);
  require(found == NULL, "a key comes twice");
  rocksdb_writebatch_put(own->batch, key, 1 + one->key_length, number, 8);
}

void connection_append(connection *own, const event *events, size_t count) {
  char key[1 + LINE_LIMIT + 9], *error = NULL;
  rocksdb_writebatch_clear(own->batch);
  for (size_t index = 0; index < count; index++) {
    const event *one = &events[index];
    key[0] = 'e';
    put_number(key + 1, one->id);
    const char *parts[] = {(const char *)&one->type, one->line}, *keys[] = {key};
    size_t lengths[] = {1, one->length}, key_lengths[] = {9};
    rocksdb_writebatch_putv(own->batch, 1, keys, key_lengths, 2, parts, lengths);
    if (one->key) put_key(own, one, key + 1);
    key[0] = 's';
    memcpy(key + 1, one->subject, one->subject_length);
    key[1 + one->subject_length] = 0;
    put_number(key + 2 + one->subject_length, one->id);
    rocksdb_writebatch_put(own->batch, key, one->subject_length + 10, "", 0);
  }
  rocksdb_write(database, durably, own->batch, &error);
  must(error);
}

void connection_scan(connection *own, tally *seen) {
  (void)own;
  char *error = NULL;
  rocksdb_iterator_t *iterator = rocksdb_create_iterator(database, events_only);
  for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator);
       rocksdb_iter_next(iterator)) {
    size_t length;
    const char *value = rocksdb_iter_value(iterator, &length);
    note(seen, (uint8_t)value[0], value + 1, length - 1);
  }
  rocksdb_iter_get_error(iterator, &error);
  must(error);
  rocksdb_iter_destroy(iterator);
}

/* So many numbers of a subject at once, each line where it lies in the cache. */
static void note_numbers(char (*keys)[9], size_t count, tally *seen) {
  for (size_t index = 0; index < count; index++) {
    char *error = NULL;
    rocksdb_pinnableslice_t *found = rocksdb_get_pinned(database, plainly, keys[index], 9, &error);
    must(error);
    require(found != NULL, "a number leads nowhere");
    size_t length;
    const char *value = rocksdb_pinnableslice_value(found, &length);
    note(seen, (uint8_t)value[0], value + 1, length - 1);
    rocksdb_pinnableslice_destroy(found);
  }
}

void connection_history(connection *own, const char *subject, size_t length, tally *seen) {
  (void)own;
  char prefix[LINE_LIMIT + 2] = "s", keys[BATCH][9], *error = NULL;
  memcpy(prefix + 1, subject, length);
  size_t prefix_length = length + 2, count = 0;
  rocksdb_iterator_t *iterator = rocksdb_create_iterator(database, plainly);
  rocksdb_iter_seek(iterator, prefix, prefix_length);
  for (; rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
    size_t key_length;
    const char *key = rocksdb_iter_key(iterator, &key_length);
    if (key_length != prefix_length + 8 || memcmp(key, prefix, prefix_length)) break;
    keys[count][0] = 'e';
    memcpy(keys[count++] + 1, key + prefix_length, 8);
    if (count < BATCH) continue;
    note_numbers(keys, count, seen);
    count = 0;
  }
  note_numbers(keys, count, seen);
  rocksdb_iter_get_error(iterator, &error);
  must(error);
  rocksdb_iter_destroy(iterator);
}

void connection_close(connection *own) {
  rocksdb_writebatch_destroy(own->batch);
  free(own);
}

void store_settle(void) {
  char *error = NULL;
  rocksdb_flushoptions_t *flush = rocksdb_flushoptions_create();
  rocksdb_flush(database, flush, &error);
  must(error);
  rocksdb_compact_range(database, NULL, 0, NULL, 0);
}

void store_close(void) { rocksdb_close(database); }
