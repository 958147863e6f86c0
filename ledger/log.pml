/*
 * The log's life as FORMAT.md tells it (sections 5, 6 and 9): one writer at a time, its syncs, the
 * two slots of `head`, crashes, kills, failed syncs, one fault of the medium, recovery, and readers.
 * `tools/model` checks it with spin.
 *
 * A *place* is where one commit stands in the segment; places are filled in order, and what a
 * commit holds is told by its key. What is written lies in the page cache, and reaches the disk at
 * a sync, or in part at a crash. Checked in every state that can be reached:
 *
 *   - what was acknowledged, or shown by a reader, stands in its place whenever the log opens again
 *     and whenever a reader looks, unless damage is reported;
 *   - no key stands in two places of what is shown;
 *   - what a reader shows is durable;
 *   - after crashes and kills alone, the log always opens.
 *
 * Each of these makes it another log, for which spin must find a failure:
 *   CUT_FIRST   recovery cuts a tail before a slot on the disk tells of what stands before it
 *   NO_MARK     recovery cuts at the first commit that isn't valid, whatever was acknowledged
 *   NO_REWRITE  recovery counts as durable what it finds whole in the page cache
 *   NO_CUT_SYNC recovery cuts a tail, and goes on before the cut is durable
 *   SLOT_FIRST  the slot is written, and the receipt given, before the sync
 *   SHOW_ALL    a reader shows all that is whole
 *   NO_LOOKUP   a repeated key is not looked for in the log
 */

#ifndef PLACES
#define PLACES 3
#endif
#ifndef KEYS
#define KEYS 3
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef FAILED_SYNCS
#define FAILED_SYNCS 1
#endif
#ifndef FAULTS
#define FAULTS 1
#endif

/* What stands in a place. A torn commit has blank sectors; of `TORN_BODY` the commit line is valid
 * by itself, so its mark can be read. `ODD` is what tearing doesn't explain: a flipped bit, or bytes
 * of two commits. */
#define BLANK     0
#define TORN      1
#define TORN_BODY 2
#define WHOLE     3
#define ODD       4

/* A slot's size; NO_SLOT is a slot that isn't valid. */
#define NO_SLOT 255

/* `root` stands for the root of all keys up to and with this one: a number in base KEYS + 1. */
typedef Place { byte what; byte key; byte root; byte mark };
#define GROWN(root, key) ((root) * (KEYS + 1) + (key))

/* The page cache, which every process sees, and the disk. Index 0 is not used. */
Place cache[PLACES + 1];
Place disk[PLACES + 1];
bool dirty[PLACES + 1];
byte cacheSlot[2];
byte diskSlot[2];
bool slotDirty[2];

/* What was acknowledged or shown: the key in each place, 0 where nothing was. */
byte shown[PLACES + 1];

byte crashes, failedSyncs, faults;
/* The log was refused as damaged; an operator's turn. */
bool refused;

/* The writer: how far it got, in opening (to Settled) and in making commits durable (from Open). */
mtype = {
  Closed, Found, Rewriting, Slotted, Recorded, Cutting, Cut, Settled, Open, Syncing, Synced, Telling
};
mtype state = Closed;
/* Commits in the log and known to be durable; while opening, those found valid, and those that the
 * newest slot tells of. */
byte end, durable, valid, from;
/* The slot that is written next. */
bit next;
/* The keys in the log, as its writer knows them. */
byte known[PLACES + 1];
/* The root of the tree in its memory. */
byte tree;

#define MAX(a, b) ((a) > (b) -> (a) : (b))
#define HAS_LINE(p) (cache[p].what == WHOLE || cache[p].what == TORN_BODY)
#define IS_VALID(p) \
  (cache[p].what == WHOLE && cache[p].root == GROWN(cache[(p) - 1].root, cache[p].key))
#define SLOT(s) (cacheSlot[s] == NO_SLOT -> 0 : cacheSlot[s])
#define ON_DISK(s) (diskSlot[s] == NO_SLOT -> 0 : diskSlot[s])
#define NEWEST MAX(SLOT(0), SLOT(1))

/* The durable mark W of section 6.1, from the page cache. */
inline findMark(mark, p) {
  mark = NEWEST;
  p = 1;
  do
  :: p <= PLACES ->
     if
     :: HAS_LINE(p) && cache[p].mark > mark -> mark = cache[p].mark
     :: else
     fi;
     p++
  :: else -> break
  od
}

inline setBlank(place) { place.what = BLANK; place.key = 0; place.root = 0; place.mark = 0 }
inline copyPlace(to, source) {
  to.what = source.what; to.key = source.key; to.root = source.root; to.mark = source.mark
}
inline setOdd(place) { setBlank(place); place.what = ODD }

/* What of a place that wasn't synced is on the disk afterwards: all, nothing, or some sectors. */
inline settle(p) {
  if
  :: dirty[p] ->
     if
     :: true
     :: true -> copyPlace(disk[p], cache[p])
     :: cache[p].what == WHOLE && disk[p].what == WHOLE && disk[p].key != cache[p].key ->
        setOdd(disk[p])
     :: cache[p].what == WHOLE && disk[p].what < TORN_BODY -> disk[p].what = TORN
     :: cache[p].what == WHOLE && disk[p].what < WHOLE ->
        setBlank(disk[p]); disk[p].what = TORN_BODY; disk[p].mark = cache[p].mark
     fi;
     dirty[p] = false
  :: else
  fi
}

/* The power fails: what wasn't synced is kept or lost, each place and each slot by itself. */
inline crash(p) {
  p = 1;
  do
  :: p <= PLACES -> settle(p); copyPlace(cache[p], disk[p]); p++
  :: else -> break
  od;
  p = 0;
  do
  :: p < 2 ->
     if
     :: slotDirty[p] -> diskSlot[p] = cacheSlot[p]
     :: true
     fi;
     cacheSlot[p] = diskSlot[p];
     slotDirty[p] = false;
     p++
  :: else -> break
  od
}

/* A sync that fails: the pages count as clean, whatever of them is on the disk. */
inline failSync(p) {
  p = 1;
  do
  :: p <= PLACES -> settle(p); p++
  :: else -> break
  od
}

inline sync(p) {
  p = 1;
  do
  :: p <= PLACES ->
     if
     :: dirty[p] -> copyPlace(disk[p], cache[p]); dirty[p] = false
     :: else
     fi;
     p++
  :: else -> break
  od;
  p = 0
}

inline cut(p) {
  p = valid + 1;
  do
  :: p <= PLACES ->
     if
     :: cache[p].what != BLANK -> setBlank(cache[p]); dirty[p] = true
     :: else
     fi;
     p++
  :: else -> break
  od;
  p = 0
}

/* Writes the places again that no slot tells of: the page cache may hold what the disk doesn't. */
inline writeAgain(p) {
  skip;
#ifndef NO_REWRITE
  p = from + 1;
  do
  :: p <= valid -> dirty[p] = true; p++
  :: else -> break
  od;
  p = 0
#endif
}

inline writeSlot(size) {
  cacheSlot[next] = size;
  slotDirty[next] = true;
  next = 1 - next
}

inline tellSlot() {
  if
  :: from < valid || cacheSlot[0] == NO_SLOT && cacheSlot[1] == NO_SLOT -> writeSlot(valid)
  :: else
  fi
}

inline syncSlots() {
  diskSlot[0] = cacheSlot[0]; diskSlot[1] = cacheSlot[1];
  slotDirty[0] = false; slotDirty[1] = false
}

/* What was given out is there, and no key twice, in the first `size` places. */
inline checkShown(size, p, q) {
  p = 1;
  do
  :: p <= PLACES ->
     assert(shown[p] == 0 || p <= size && cache[p].what == WHOLE && cache[p].key == shown[p]);
     q = 1;
     do
     :: q < p && p <= size -> assert(cache[p].key != cache[q].key); q++
     :: else -> break
     od;
     p++
  :: else -> break
  od
}

inline forget(p) {
  state = Closed; end = 0; durable = 0; valid = 0; from = 0; next = 0; tree = 0;
  p = 1;
  do
  :: p <= PLACES -> known[p] = 0; p++
  :: else -> break
  od;
  p = 0
}

active proctype writer() {
  byte p, q, mark;
  bool isOdd, isTaken;
  d_step {
    cacheSlot[0] = NO_SLOT; diskSlot[0] = NO_SLOT;
    cacheSlot[1] = 0; diskSlot[1] = 0
  }
end_writer:
  do
  /* Opening: section 6.3. */
  :: atomic { state == Closed && !refused ->
       findMark(mark, p);
       valid = 0;
       do
       :: valid < PLACES && IS_VALID(valid + 1) -> valid++
       :: else -> break
       od;
       /* Whether tearing doesn't explain what follows. */
       isOdd = valid < PLACES && cache[(valid < PLACES -> valid + 1 : 0)].what >= WHOLE;
#ifdef NO_MARK
       isOdd = false; mark = 0;
#endif
       if
       :: mark > valid || isOdd ->
          refused = true;
          assert(faults > 0 || failedSyncs > 0)
       :: else ->
          checkShown(valid, p, q);
          p = 1;
          do
          :: p <= valid -> known[p] = cache[p].key; tree = cache[p].root; p++
          :: else -> break
          od;
          from = NEWEST;
          if
          :: from > valid -> from = valid
          :: else
          fi;
          /* The newer slot is the one that isn't written next. */
          if
          :: cacheSlot[0] != NO_SLOT && cacheSlot[0] >= SLOT(1) -> next = 1
          :: else -> next = 0
          fi;
          state = Found
       fi;
       p = 0; q = 0; mark = 0; isOdd = false
     }
  /* Recovery: what isn't known to be durable is written again and synced, then the slot; the tail,
     whose commit lines may hold the only mark, is cut last. */
#ifdef CUT_FIRST
  :: atomic { state == Found -> cut(p); state = Cutting }
  :: atomic { state == Cutting -> sync(p); state = Cut }
  :: atomic { state == Cut -> writeAgain(p); state = Rewriting }
  :: atomic { state == Rewriting -> sync(p); tellSlot(); state = Settled }
#else
  :: atomic { state == Found -> writeAgain(p); state = Rewriting }
  :: atomic { state == Rewriting -> sync(p); tellSlot(); state = Slotted }
  :: atomic { state == Slotted -> syncSlots(); state = Recorded }
  :: atomic { state == Recorded -> cut(p); state = Cutting }
#ifdef NO_CUT_SYNC
  :: atomic { state == Cutting -> state = Settled }
#else
  :: atomic { state == Cutting -> sync(p); state = Settled }
#endif
#endif
  :: atomic { (state == Cutting || state == Rewriting) && failedSyncs < FAILED_SYNCS ->
       failedSyncs++; failSync(p); forget(p)
     }
  :: atomic { state == Settled ->
       end = valid; durable = valid; valid = 0; from = 0;
       state = Open
     }
  /* Appending: any key that isn't in the log, so a repeated one too whose commit was lost. */
  :: atomic { state == Open && end < PLACES ->
       select(q : 1 .. KEYS);
       p = 1;
       do
       :: p <= end -> isTaken = isTaken || known[p] == q; p++
       :: else -> break
       od;
#ifdef NO_LOOKUP
       isTaken = false;
#endif
       if
       :: isTaken
       :: else ->
          end++;
          cache[end].what = WHOLE; cache[end].key = q; cache[end].root = GROWN(tree, q);
          cache[end].mark = durable;
          dirty[end] = true; known[end] = q; tree = GROWN(tree, q)
       fi;
       p = 0; q = 0; isTaken = false
     }
#ifdef SLOT_FIRST
  :: atomic { state == Open && durable < end -> durable = end; writeSlot(durable); state = Syncing }
  :: atomic { state == Syncing -> sync(p); state = Telling }
#else
  :: atomic { state == Open && durable < end -> sync(p); durable = end; state = Synced }
  :: atomic { state == Synced -> writeSlot(durable); state = Telling }
#endif
  :: atomic { state == Open && durable < end && failedSyncs < FAILED_SYNCS ->
       failedSyncs++; failSync(p); forget(p)
     }
  :: atomic { state == Telling ->
       p = 1;
       do
       :: p <= durable -> shown[p] = known[p]; p++
       :: else -> break
       od;
       p = 0;
       state = Open
     }
  /* The slots are synced now and then, and each may reach the disk by itself. */
  :: atomic { state == Open && (slotDirty[0] || slotDirty[1]) -> syncSlots() }
  /* The process ends or is killed, at any step. */
  :: atomic { state != Closed && crashes < CRASHES -> crashes++; forget(p) }
  :: atomic { crashes < CRASHES -> crashes++; crash(p); forget(p) }
  od
}

/* One fault of the medium, at any time, in what is on the disk. */
active proctype medium() {
  byte p, q, mark;
end_medium:
  do
  /* A flipped bit in a whole commit. */
  :: atomic { faults < FAULTS ->
       select(p : 1 .. PLACES);
       if
       :: disk[p].what == WHOLE && !dirty[p] ->
          setOdd(disk[p]);
          copyPlace(cache[p], disk[p]);
          faults++
       :: else
       fi;
       p = 0
     }
  /* A lost sector, which looks as if a crash had torn the commit: found as far as the mark on the
     disk shows (section 9). */
  :: atomic { faults < FAULTS ->
       select(p : 1 .. PLACES);
       if
       :: disk[p].what == WHOLE && !dirty[p] ->
          mark = MAX(ON_DISK(0), ON_DISK(1));
          q = 1;
          do
          :: q <= PLACES ->
             if
             :: q != p && (disk[q].what == WHOLE || disk[q].what == TORN_BODY) ->
                mark = MAX(mark, disk[q].mark)
             :: else
             fi;
             q++
          :: else -> break
          od;
          if
          :: p <= mark ->
             setBlank(disk[p]); disk[p].what = TORN;
             copyPlace(cache[p], disk[p]);
             faults++
          :: else
          fi
       :: else
       fi;
       p = 0; q = 0; mark = 0
     }
  /* A slot that can't be read any more. */
  :: atomic { faults < FAULTS ->
       select(p : 0 .. 1);
       if
       :: diskSlot[p] != NO_SLOT && !slotDirty[p] ->
          diskSlot[p] = NO_SLOT; cacheSlot[p] = NO_SLOT; faults++
       :: else
       fi;
       p = 0
     }
  od
}

/* A reader finds the mark, then reads that far. It stops at damage, and says so. */
active proctype reader() {
  byte p, mark;
end_reader:
  do
  :: atomic { findMark(mark, p);
#ifdef SHOW_ALL
       p = 1;
       do
       :: p <= PLACES && cache[p].what == WHOLE -> mark = MAX(mark, p); p++
       :: else -> break
       od;
#endif
       p = 1
     }
     do
     :: atomic { p <= mark && IS_VALID(p) ->
          assert(shown[p] == 0 || shown[p] == cache[p].key);
          assert(disk[p].what == WHOLE && disk[p].key == cache[p].key);
          shown[p] = cache[p].key;
          p++
        }
     :: atomic { p <= mark && !IS_VALID(p) -> assert(faults > 0); break }
     :: atomic { p > mark -> break }
     od;
     p = 0; mark = 0
  od
}
