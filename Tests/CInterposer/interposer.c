// Stands between the program with its libraries and the system, on the calls that change files: so that
// tests can let the k-th of them fail, and know what was durable when. The C library's own functions are
// overridden by name; the calls are made directly.
//
// Sanitizers stand in the same place, and come first.

#define _GNU_SOURCE
#include "interposer.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LEDGER_IS_SANITIZED 1
#endif
#endif

#if defined(__linux__) && !defined(LEDGER_IS_SANITIZED)

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static _Thread_local const char *watched;
static _Thread_local const void *context;
static _Thread_local ledger_before before;
static _Thread_local ledger_after after;

bool ledger_can_interpose(void) { return true; }

void ledger_watch(const char *directory, const void *new_context, ledger_before new_before,
                  ledger_after new_after) {
  watched = directory;
  context = new_context;
  before = new_before;
  after = new_after;
}

static bool is_watched(const char *path) {
  size_t length = strlen(watched);
  return strncmp(path, watched, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/// Where a descriptor leads to.
static bool path_of(int descriptor, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t count =
      syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
  if (count < 0) return false;
  path[count] = 0;
  return true;
}

/// The path that a name has, seen from a directory.
static bool path_at(int directory, const char *name, char *path) {
  if (name == NULL) return false;
  if (name[0] == '/') return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
  char base[PATH_MAX];
  if (directory == AT_FDCWD) {
    if (syscall(SYS_getcwd, base, sizeof base) < 0) return false;
  } else if (!path_of(directory, base)) {
    return false;
  }
  if (strcmp(name, ".") == 0) return snprintf(path, PATH_MAX, "%s", base) < PATH_MAX;
  return snprintf(path, PATH_MAX, "%s/%s", base, name) < PATH_MAX;
}

static ledger_answer ask(int kind, const char *path, int64_t length) {
  const char *directory = watched;
  watched = NULL;
  ledger_answer answer = before(context, kind, path, length);
  watched = directory;
  return answer;
}

static void tell(int kind, const char *path, int descriptor) {
  int code = errno;
  const char *directory = watched;
  watched = NULL;
  after(context, kind, path, descriptor);
  watched = directory;
  errno = code;
}

/// Makes a call that isn't a write, as the answer has it.
static long through(int kind, const char *path, int descriptor, long number, long a, long b, long c,
                    long d) {
  ledger_answer answer = ask(kind, path, 0);
  if (answer.error != 0 && !answer.does_it) {
    errno = answer.error;
    return -1;
  }
  long result = syscall(number, a, b, c, d);
  if (result < 0) return result;
  tell(kind, path, kind == LEDGER_CALL_OPEN ? (int)result : descriptor);
  if (answer.error == 0) return result;
  errno = answer.error;
  return -1;
}

static long on_descriptor(int kind, int descriptor, long number, long b) {
  char path[PATH_MAX];
  if (watched == NULL || !path_of(descriptor, path) || !is_watched(path)) {
    return syscall(number, descriptor, b);
  }
  return through(kind, path, descriptor, number, descriptor, b, 0, 0);
}

static long on_name(int kind, int directory, const char *name, long number, long a, long b, long c,
                    long d) {
  char path[PATH_MAX];
  if (watched == NULL || !path_at(directory, name, path) || !is_watched(path)) {
    return syscall(number, a, b, c, d);
  }
  return through(kind, path, -1, number, a, b, c, d);
}

/// The number of bytes that a write may have, or -1 and errno.
static ssize_t allowed(int descriptor, size_t count) {
  char path[PATH_MAX];
  if (watched == NULL || count == 0 || !path_of(descriptor, path) || !is_watched(path)) {
    return (ssize_t)count;
  }
  ledger_answer answer = ask(LEDGER_CALL_WRITE, path, (int64_t)count);
  if (answer.error != 0) {
    errno = answer.error;
    return -1;
  }
  return answer.limit < (int64_t)count ? (ssize_t)answer.limit : (ssize_t)count;
}

// MARK: - In place of the C library's

ssize_t write(int descriptor, const void *bytes, size_t count) {
  ssize_t part = allowed(descriptor, count);
  return part < 0 ? -1 : syscall(SYS_write, descriptor, bytes, part);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
  ssize_t part = allowed(descriptor, count);
  return part < 0 ? -1 : syscall(SYS_pwrite64, descriptor, bytes, part, offset);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
  return pwrite64(descriptor, bytes, count, offset);
}

int fsync(int descriptor) {
  return (int)on_descriptor(LEDGER_CALL_SYNC, descriptor, SYS_fsync, 0);
}

int fdatasync(int descriptor) {
  return (int)on_descriptor(LEDGER_CALL_SYNC, descriptor, SYS_fdatasync, 0);
}

int ftruncate64(int descriptor, off64_t length) {
  return (int)on_descriptor(LEDGER_CALL_TRUNCATE, descriptor, SYS_ftruncate, length);
}

int ftruncate(int descriptor, off_t length) { return ftruncate64(descriptor, length); }

static int open_at(int directory, const char *name, int flags, va_list rest) {
  mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? (mode_t)va_arg(rest, int) : 0;
  return (int)on_name(LEDGER_CALL_OPEN, directory, name, SYS_openat, directory, (long)name, flags,
                      mode);
}

#define OPEN_AT(directory)                                  \
  va_list rest;                                             \
  va_start(rest, flags);                                    \
  int descriptor = open_at(directory, name, flags, rest);   \
  va_end(rest);                                             \
  return descriptor

int open(const char *name, int flags, ...) { OPEN_AT(AT_FDCWD); }
int open64(const char *name, int flags, ...) { OPEN_AT(AT_FDCWD); }
int openat(int directory, const char *name, int flags, ...) { OPEN_AT(directory); }
int openat64(int directory, const char *name, int flags, ...) { OPEN_AT(directory); }

int renameat(int from, const char *name, int to, const char *new_name) {
  // The old name is what is asked about: both lie in one directory.
  return (int)on_name(LEDGER_CALL_RENAME, from, name, SYS_renameat, from, (long)name, to,
                      (long)new_name);
}

int rename(const char *name, const char *new_name) {
  return renameat(AT_FDCWD, name, AT_FDCWD, new_name);
}

int unlinkat(int directory, const char *name, int flags) {
  return (int)on_name(LEDGER_CALL_REMOVE, directory, name, SYS_unlinkat, directory, (long)name,
                      flags, 0);
}

int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }

#else

bool ledger_can_interpose(void) { return false; }
void ledger_watch(const char *directory, const void *context, ledger_before before,
                  ledger_after after) {
  (void)directory, (void)context, (void)before, (void)after;
}

#endif
