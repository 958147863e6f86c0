/* What all peers have in common: the events of a ledger, what is measured, and how it is told.
 *
 * PROGRAM append LOG STORE MILLISECONDS WRITERS   each event a durable transaction of its own
 * PROGRAM load   LOG STORE BATCH                  all events, durably, so many a transaction
 * PROGRAM read   LOG STORE                        all events once; the histories of dispatches
 *
 * LOG is a ledger's folder of segments, STORE an empty folder (for PostgreSQL: how to connect).
 * Prints one JSON object; times are nanoseconds, "processor" those of all threads for an event.
 *
 * Each peer keeps the same things of an event: its number as the key, the stored line as bytes, its
 * type as a small integer, its subject under an index, and its idempotency key, where it has one,
 * under another that refuses a second of the same. All that a store answers is compared with the
 * log. Whatever fails ends the program: no figure is better than a wrong one.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TYPES = 256, LINE_LIMIT = 65535, SCANS = 5, HISTORIES = 20000, EVENTS_A_MILLISECOND = 200 };

typedef struct {
  const char *line, *subject, *key; /* as in the line; key is NULL where there is none */
  uint32_t length, subject_length, key_length;
  uint64_t id;
  uint8_t type;
} event;

/* What was read: to be compared, and so that every line is reached. */
typedef struct {
  uint64_t events, bytes, ends, of_type[TYPES];
} tally;

static inline void note(tally *seen, uint8_t type, const char *line, size_t length) {
  seen->events++;
  seen->bytes += length;
  seen->ends += (uint8_t)line[0] + (uint8_t)line[length / 2];
  seen->of_type[type]++;
}

/* What each peer does. A connection belongs to one thread. */
typedef struct connection connection;
void store_open(const char *place, int is_new);
connection *connection_open(void);
/* One durable transaction; that of one event is as cheap as the peer has it. */
void connection_append(connection *, const event *events, size_t count);
void connection_scan(connection *, tally *);
void connection_history(connection *, const char *subject, size_t length, tally *);
void connection_close(connection *);
/* Brings the store into the state that its size is told of. */
void store_settle(void);
void store_close(void);

static inline void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
  exit(1);
}

#define require(holds, what) \
  do { \
    if (!(holds)) fail(what); \
  } while (0)

static inline uint64_t now_nanoseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t processor_nanoseconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
         (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

/* MARK: - The log */

static event *events;
static size_t event_count;
static char *type_names[TYPES];

/* A string's bytes in the envelope's part after the data, whose keys all have strings. */
static const char *member(const char *tail, const char *end, const char *name, uint32_t *length) {
  const char *found = memmem(tail, (size_t)(end - tail), name, strlen(name));
  if (!found) return NULL;
  const char *start = found + strlen(name), *close = start;
  while (close < end && *close != '"') close += *close == '\\' ? 2 : 1;
  *length = (uint32_t)(close - start);
  return start;
}

static uint8_t type_code(const char *name, uint32_t length) {
  for (int code = 0; code < TYPES; code++) {
    if (!type_names[code]) type_names[code] = strndup(name, length);
    if (!strncmp(type_names[code], name, length) && !type_names[code][length]) return (uint8_t)code;
  }
  fail("too many types");
  return 0;
}

static void parse_line(const char *line, uint32_t length) {
  static const char id[] = ",\"id\":\"";
  const char *end = line + length, *tail = end - sizeof id;
  /* Within a string a quote has a backslash before it: the last that looks so is the envelope's. */
  while (tail > line && (*tail != ',' || memcmp(tail, id, sizeof id - 1))) tail--;
  event *next = &events[event_count];
  uint32_t type_length = 0;
  const char *type = member(tail, end, "\"type\":\"", &type_length);
  next->subject = member(tail, end, "\"subject\":\"", &next->subject_length);
  next->key = member(tail, end, "\"idempotencykey\":\"", &next->key_length);
  require(tail > line && type && next->subject, "a line is no event");
  next->type = type_code(type, type_length);
  next->line = line;
  next->length = length;
  next->id = event_count++;
}

static int is_segment(const struct dirent *entry) {
  return strlen(entry->d_name) == 20 && !strcmp(entry->d_name + 16, ".log");
}

static void read_log(const char *directory, size_t limit) {
  struct dirent **names;
  size_t room = 0;
  int count = scandir(directory, &names, is_segment, alphasort);
  require(count > 0, "no segments");
  for (int index = 0; index < count && event_count < limit; index++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, names[index]->d_name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    require(file >= 0 && !fstat(file, &status), path);
    size_t size = (size_t)status.st_size;
    const char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    require(bytes != MAP_FAILED, path);
    close(file);
    const char *line = bytes, *end;
    for (; line < bytes + size && event_count < limit; line = end + 1) {
      end = memchr(line, '\n', (size_t)(bytes + size - line));
      if (!end) break;
      if (*line != '{') continue;
      if (event_count == room) {
        room = room ? 2 * room : 1 << 16;
        events = realloc(events, room * sizeof(event));
        require(events != NULL, "no memory");
      }
      parse_line(line, (uint32_t)(end - line));
    }
  }
  require(event_count > 0, "no events");
}

/* MARK: - What is measured */

static int ascending(const void *left, const void *right) {
  uint64_t one = *(const uint64_t *)left, other = *(const uint64_t *)right;
  return one < other ? -1 : one > other;
}

static void tell(
    uint64_t *times, size_t commits, size_t recorded, double a_second, uint64_t processor) {
  require(commits > 0, "nothing was measured");
  qsort(times, commits, sizeof *times, ascending);
  printf("{\"a_second\":%.0f,\"events\":%zu,\"longest\":%llu,\"p50\":%llu,\"p99\":%llu,"
         "\"processor\":%.0f}\n",
         a_second, recorded, (unsigned long long)times[commits - 1],
         (unsigned long long)times[commits / 2], (unsigned long long)times[commits * 99 / 100],
         (double)processor / (double)recorded);
}

static uint64_t append_end, *append_times;
static atomic_size_t append_next, append_in_time;
static pthread_barrier_t append_start;

static void *append_thread(void *unused) {
  (void)unused;
  connection *own = connection_open();
  pthread_barrier_wait(&append_start); /* all are connected */
  pthread_barrier_wait(&append_start); /* the clock runs */
  for (uint64_t before = now_nanoseconds(), after; before < append_end; before = after) {
    size_t index = atomic_fetch_add(&append_next, 1);
    require(index < event_count, "there are too few events for so long a time");
    connection_append(own, &events[index], 1);
    after = now_nanoseconds();
    append_times[index] = after - before;
    if (after <= append_end) atomic_fetch_add(&append_in_time, 1);
  }
  pthread_barrier_wait(&append_start); /* all are done */
  connection_close(own);
  return NULL;
}

/* Counts how many were done in time, and how long each took, those that were late included. */
static void measure_append(uint64_t milliseconds, unsigned writers) {
  pthread_t threads[writers];
  append_times = calloc(event_count, sizeof *append_times);
  pthread_barrier_init(&append_start, NULL, writers + 1);
  for (unsigned index = 0; index < writers; index++)
    require(!pthread_create(&threads[index], NULL, append_thread, NULL), "no thread");
  pthread_barrier_wait(&append_start);
  uint64_t processor = processor_nanoseconds(), start = now_nanoseconds();
  append_end = start + milliseconds * 1000000;
  pthread_barrier_wait(&append_start);
  pthread_barrier_wait(&append_start);
  processor = processor_nanoseconds() - processor;
  for (unsigned index = 0; index < writers; index++) pthread_join(threads[index], NULL);
  double a_second = (double)append_in_time * 1000 / (double)milliseconds;
  tell(append_times, append_next, append_next, a_second, processor);
}

static void measure_load(size_t batch) {
  connection *own = connection_open();
  uint64_t *times = calloc(event_count / batch + 1, sizeof *times);
  size_t commits = 0;
  uint64_t processor = processor_nanoseconds(), start = now_nanoseconds(), before = start;
  for (size_t first = 0; first < event_count; first += batch) {
    size_t count = event_count - first < batch ? event_count - first : batch;
    connection_append(own, &events[first], count);
    uint64_t after = now_nanoseconds();
    times[commits++] = after - before;
    before = after;
  }
  processor = processor_nanoseconds() - processor;
  connection_close(own);
  store_settle();
  double a_second = (double)event_count * 1e9 / (double)(before - start);
  tell(times, commits, event_count, a_second, processor);
}

/* Another number each time, the same ones in each run (xorshift64*). */
static uint64_t next_random(void) {
  static uint64_t state = 88172645463325252;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 2685821657736338717;
}

static const event *random_dispatch(void) {
  static const char prefix[] = "dispatch/";
  while (1) {
    const event *found = &events[next_random() % event_count];
    if (!strncmp(found->subject, prefix, sizeof prefix - 1)) return found;
  }
}

static void measure_read(void) {
  connection *own = connection_open();
  tally expected = {0};
  for (size_t index = 0; index < event_count; index++)
    note(&expected, events[index].type, events[index].line, events[index].length);
  uint64_t scans[SCANS], processors[SCANS];
  for (int round = -1; round < SCANS; round++) { /* the first one warms */
    tally seen = {0};
    uint64_t processor = processor_nanoseconds(), start = now_nanoseconds();
    connection_scan(own, &seen);
    if (round >= 0) scans[round] = now_nanoseconds() - start;
    if (round >= 0) processors[round] = processor_nanoseconds() - processor;
    /* A store that counts by itself shows no line's bytes. */
    if (seen.ends == 0) seen.ends = expected.ends;
    require(!memcmp(&seen, &expected, sizeof seen), "the store has other events");
  }
  qsort(scans, SCANS, sizeof *scans, ascending);
  qsort(processors, SCANS, sizeof *processors, ascending);

  static uint64_t times[HISTORIES];
  for (int round = -HISTORIES / 10; round < HISTORIES; round++) {
    const event *one = random_dispatch();
    tally seen = {0};
    uint64_t start = now_nanoseconds();
    connection_history(own, one->subject, one->subject_length, &seen);
    if (round >= 0) times[round] = now_nanoseconds() - start;
    require(seen.events > 0, "a dispatch has no history");
    if (round % 2000) continue;
    tally whole = {0};
    for (size_t index = 0; index < event_count; index++)
      if (events[index].subject_length == one->subject_length &&
          !memcmp(events[index].subject, one->subject, one->subject_length))
        note(&whole, events[index].type, events[index].line, events[index].length);
    require(!memcmp(&seen, &whole, sizeof seen), "a dispatch has another history");
  }
  qsort(times, HISTORIES, sizeof *times, ascending);
  printf("{\"events\":%zu,\"history_longest\":%llu,\"history_p50\":%llu,\"history_p99\":%llu,"
         "\"scan\":%.3f,\"scan_processor\":%.3f}\n",
         event_count, (unsigned long long)times[HISTORIES - 1],
         (unsigned long long)times[HISTORIES / 2],
         (unsigned long long)times[HISTORIES * 99 / 100],
         (double)scans[SCANS / 2] / (double)event_count,
         (double)processors[SCANS / 2] / (double)event_count);
  connection_close(own);
}

int main(int count, char **arguments) {
  require(count > 3, "see what stands at the head of peer.h");
  int appends = !strcmp(arguments[1], "append") && count == 6;
  int loads = !strcmp(arguments[1], "load") && count == 5 && atoi(arguments[4]) > 0;
  require(appends || loads || (!strcmp(arguments[1], "read") && count == 4), "no such measure");
  read_log(arguments[2], appends ? (size_t)atoll(arguments[4]) * EVENTS_A_MILLISECOND : SIZE_MAX);
  store_open(arguments[3], appends || loads);
  if (appends) measure_append((uint64_t)atoll(arguments[4]), (unsigned)atoi(arguments[5]));
  else if (loads) measure_load((size_t)atoll(arguments[4]));
  else measure_read();
  store_close();
  return 0;
}
