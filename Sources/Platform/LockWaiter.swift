package import EventLog

/// Takes the one exclusive lock on `file`, and waits for it while another holds it.
///
/// The system keeps no queue that one could wait in with a time limit, so waiters ask again and
/// again. How long they sleep in between grows from 0.2 ms to 5 ms, so that many waiters leave the
/// processor to the one that holds the lock; it is drawn at random, so that they don't ask in step.
/// Whoever lets go and takes the lock again at once can keep a waiter out for long: callers who do
/// so go through a turnstile, by ``acquire(_:turnstile:in:timeoutMilliseconds:)``.
///
/// - Returns: `false` when the time is up and another still holds it.
package func acquire(
  _ file: any StorageFile, timeoutMilliseconds: Int
) throws(StorageError) -> Bool {
  let deadline = Deadline(milliseconds: timeoutMilliseconds)
  return try poll(file, until: deadline, longestMicroseconds: 5_000)
}

/// Takes the lock on `file` as one of many who take it again and again; none of them starves.
///
/// The lock on the file `turnstile` is taken first and let go with the answer. So only one waits
/// for `file` itself, and it asks often; who lets go of `file` finds the turnstile taken, and
/// waits there with the others. It may be any file that is never replaced, and is only read.
///
/// - Returns: `false` when the time is up and another still holds either.
package func acquire(
  _ file: any StorageFile, turnstile: String, in storage: any Storage, timeoutMilliseconds: Int
) throws(StorageError) -> Bool {
  let deadline = Deadline(milliseconds: timeoutMilliseconds)
  let turn = try storage.open(turnstile, for: .reading)
  defer { withExtendedLifetime(turn) {} }
  guard try poll(turn, until: deadline, longestMicroseconds: 5_000) else { return false }
  return try poll(file, until: deadline, longestMicroseconds: 300)
}

private func poll(
  _ file: any StorageFile, until deadline: Deadline, longestMicroseconds: Int
) throws(StorageError) -> Bool {
  var random = SystemRandomNumberGenerator()
  var span = 200
  while try !file.tryLock() {
    guard let rest = deadline.restMicroseconds else { return false }
    let pause = Int.random(in: span / 2...span, using: &random)
    SystemClock.sleep(microseconds: min(rest, pause))
    span = min(span * 3 / 2, longestMicroseconds)
  }
  return true
}
