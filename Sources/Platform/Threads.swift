import Bytes
import Synchronization

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Runs `body` on a thread of its own, which hears no signals: they go to those that wait for them,
/// and a peer that goes away is an error of the write.
///
/// - Returns: Whether the system had a thread to give; otherwise nothing was run.
package func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
  guard let thread = Thread(body) else { return false }
  thread.detach()
  return true
}

/// Does pieces of work, those of numbers 0 up to but without `count`, and returns after the last.
///
/// The caller does some, and beside it threads that hear no signals, one for each other processor;
/// at most `most` are at work at once. Where the system has no thread to give, the caller does all.
package func doAtOnce(_ count: Int, most: Int = 4, _ work: @Sendable (Int) -> Void) {
  let processors = max(1, Int(clamping: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  withoutActuallyEscaping(work) { work in
    let pieces = Pieces(count)
    let body: @Sendable () -> Void = { while let piece = pieces.next() { work(piece) } }
    var threads: [Thread] = []
    while threads.count + 1 < min(count, processors, most), let thread = Thread(body) {
      threads.append(thread)
    }
    body()
    for thread in threads { thread.join() }
  }
}

/// Numbers, each given once.
private final class Pieces: Sendable {
  private let count: Int
  private let given = Atomic<Int>(0)

  init(_ count: Int) { self.count = count }

  func next() -> Int? {
    let piece = given.add(1, ordering: .relaxed).oldValue
    return piece < count ? piece : nil
  }
}

/// A thread that was started; it has to be joined or detached, once.
@safe private struct Thread {
  private let thread: pthread_t

  /// Starts it; `nil` where the system has none to give.
  init?(_ body: @escaping @Sendable () -> Void) {
    // A thread begins with the mask of the one that starts it.
    var (all, before) = (sigset_t(), sigset_t())
    unsafe sigfillset(&all)
    unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
    let work = unsafe Unmanaged.passRetained(Work(body))
    #if canImport(Darwin)
      var made: pthread_t?
      let code = unsafe pthread_create(&made, nil, { run($0) }, work.toOpaque())
      guard code == 0, let made = unsafe made else {
        unsafe work.release()
        return nil
      }
      unsafe thread = made
    #else
      var made = pthread_t()
      let code = unsafe pthread_create(
        &made, nil, { context in unsafe context.flatMap { unsafe run($0) } }, work.toOpaque())
      guard code == 0 else {
        unsafe work.release()
        return nil
      }
      thread = made
    #endif
  }

  func detach() {
    #if canImport(Darwin)
      unsafe pthread_detach(thread)
    #else
      pthread_detach(thread)
    #endif
  }

  /// Waits for its end.
  func join() {
    #if canImport(Darwin)
      let code = unsafe pthread_join(thread, nil)
    #else
      let code = pthread_join(thread, nil)
    #endif
    invariant(code == 0, "a thread can't be waited for: \(code)")
  }
}

private final class Work {
  let body: @Sendable () -> Void
  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private func run(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
  unsafe Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
  return nil
}
