#ifndef LEDGER_INTERPOSER_H
#define LEDGER_INTERPOSER_H

#include <stdbool.h>
#include <stdint.h>

/// The kinds of system calls that are asked about.
enum {
  LEDGER_CALL_OPEN = 0,
  LEDGER_CALL_WRITE = 1,
  LEDGER_CALL_SYNC = 2,
  LEDGER_CALL_RENAME = 3,
  LEDGER_CALL_TRUNCATE = 4,
  LEDGER_CALL_REMOVE = 5,
};

/// What becomes of a call.
typedef struct {
  /// The errno that it fails with; 0: it doesn't.
  int32_t error;
  /// How many bytes a write takes at most.
  int64_t limit;
  /// Whether it does what it should before it fails.
  bool does_it;
} ledger_answer;

/// Asked before a call on a file of a watched directory, with the bytes that a write has.
typedef ledger_answer (*ledger_before)(
    const void *context, int32_t kind, const char *path, int64_t length);
/// Told after a call that did what it should; the descriptor is -1 where there is none.
typedef void (*ledger_after)(
    const void *context, int32_t kind, const char *path, int32_t descriptor);

/// Whether calls of this program's libraries come by here at all.
bool ledger_can_interpose(void);

/// Watches what this thread does below a directory, by its path without symbolic links; `NULL` ends it.
///
/// What the two functions do themselves isn't watched.
void ledger_watch(const char *directory, const void *context, ledger_before before,
                  ledger_after after);

#endif
