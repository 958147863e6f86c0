import EventLog
import Foundation
import Platform
import Synchronization
import Testing

@Suite("Waiting for the lock", .serialized)
struct LockWaiterTests {
  let directory: TemporaryDirectory
  let storage: FileStorage

  init() throws {
    directory = try TemporaryDirectory()
    storage = try FileStorage.open(directory: directory.path)
    for name in ["head", "LEDGER"] { _ = try storage.open(name, for: .creating) }
  }

  @Test("Who waits gets the lock once it is let go")
  func released() throws {
    let storage = storage
    let isHeld = Atomic(false)
    let hasTried = Atomic(false)
    let answers = inThreads(2) { index in
      if index == 0 {
        let holder = try storage.open("head", for: .writing)
        isHeld.store(try holder.tryLock(), ordering: .sequentiallyConsistent)
        while !hasTried.load(ordering: .sequentiallyConsistent) {
          SystemClock.sleep(microseconds: 100)
        }
        SystemClock.sleep(microseconds: 10_000)
        withExtendedLifetime(holder) {}
      } else {
        while !isHeld.load(ordering: .sequentiallyConsistent) {
          SystemClock.sleep(microseconds: 100)
        }
        let waiter = try storage.open("head", for: .writing)
        let isFree = try waiter.tryLock()
        hasTried.store(true, ordering: .sequentiallyConsistent)
        try #require(!isFree)
        try #require(try acquire(waiter, timeoutMilliseconds: 10_000))
      }
    }
    #expect(answers == [true, true])
  }

  @Test("Who waits in vain is told so in time", arguments: [0, 1, 30, -5])
  func timeout(milliseconds: Int) throws {
    let holder = try storage.open("head", for: .writing)
    #expect(try holder.tryLock())
    let waiter = try storage.open("head", for: .writing)
    let start = SystemClock.monotonicNanoseconds()
    #expect(try !acquire(waiter, timeoutMilliseconds: milliseconds))
    #expect(
      try !acquire(
        waiter, turnstile: "LEDGER", in: storage, timeoutMilliseconds: milliseconds))
    let waited = SystemClock.monotonicNanoseconds() - start
    #expect(waited >= UInt64(max(0, milliseconds)) * 2_000_000)
    #expect(waited < 10_000_000_000)
    withExtendedLifetime(holder) {}
  }

  @Test("The turnstile is let go with the answer, whichever it is")
  func turnstile() throws {
    let holder = try storage.open("head", for: .writing)
    let turn = try storage.open("LEDGER", for: .reading)
    #expect(try acquire(holder, turnstile: "LEDGER", in: storage, timeoutMilliseconds: 0))
    #expect(try acquire(turn, timeoutMilliseconds: 5_000))
    let waiter = try storage.open("head", for: .writing)
    #expect(try !acquire(waiter, turnstile: "LEDGER", in: storage, timeoutMilliseconds: 1))
    withExtendedLifetime((holder, turn)) {}
  }

  @Test("Who lets go and comes back at once goes behind the one who waits")
  func order() throws {
    let storage = storage
    let order = Order()
    var head: (any StorageFile)? = try storage.open("head", for: .writing)
    #expect(try head?.tryLock() == true)
    let waiting = DispatchGroup()
    waiting.enter()
    Thread.detachNewThread {
      _ = try? locked(in: storage, milliseconds: 10_000) {
        order.values.withLock { $0.append(1) }
        SystemClock.sleep(microseconds: 2_000)
      }
      waiting.leave()
    }
    // It waits for the lock itself once it has the turnstile.
    while try storage.open("LEDGER", for: .reading).tryLock() {
      SystemClock.sleep(microseconds: 1_000)
    }
    head = nil
    #expect(
      try locked(in: storage, milliseconds: 10_000) { order.values.withLock { $0.append(2) } })
    waiting.wait()
    #expect(order.values.withLock { $0 } == [1, 2])
  }

  @Test("A file that isn't there is no lock")
  func missing() throws {
    let file = try storage.open("head", for: .writing)
    #expect(throws: StorageError(operation: .open, path: "none", code: ENOENT)) {
      try acquire(file, turnstile: "none", in: storage, timeoutMilliseconds: 0)
    }
  }

  @Test("Four who append 250 times each exclude each other and all finish")
  func fourWriters() throws {
    let file = try storage.open("log", for: .creating)
    let failures = Mutex(0)
    let storage = storage
    let answers = inThreads(4) { _ in
      for _ in 0..<250 {
        let isDone = try locked(in: storage, milliseconds: 10_000) {
          // Not atomic but under the lock: a lost update would leave a smaller number.
          var bytes: [UInt8] = [0, 0]
          let log = try storage.open("log", for: .writing)
          _ = try log.read(into: &bytes, range: 0..<2, at: 0)
          let next = (UInt16(bytes[0]) << 8 | UInt16(bytes[1])) + 1
          _ = try log.write([UInt8(next >> 8), UInt8(next & 0xFF)][...], at: 0)
        }
        if !isDone { failures.withLock { $0 += 1 } }
      }
    }
    #expect(answers.allSatisfy { $0 })
    #expect(failures.withLock { $0 } == 0)
    var bytes: [UInt8] = [0, 0]
    #expect(try file.read(into: &bytes, range: 0..<2, at: 0) == 2)
    #expect(UInt16(bytes[0]) << 8 | UInt16(bytes[1]) == 1_000)
  }

  @Test("A hundred short callers get their turn beside one who lets go for no time at all")
  func hundredCallers() {
    let isOver = Atomic(false)
    let waits = Mutex<[UInt64]>([])
    let storage = storage
    let answers = inThreads(101) { index in
      if index == 0 {
        while !isOver.load(ordering: .relaxed) {
          _ = try locked(in: storage, milliseconds: 10_000) {
            SystemClock.sleep(microseconds: 20_000)
          }
        }
        return
      }
      let start = SystemClock.monotonicNanoseconds()
      let isDone = try locked(in: storage, milliseconds: 10_000) {
        SystemClock.sleep(microseconds: 1_000)
      }
      let count = waits.withLock { waits in
        waits.append(isDone ? SystemClock.monotonicNanoseconds() - start : .max)
        return waits.count
      }
      if count == 100 { isOver.store(true, ordering: .relaxed) }
    }
    #expect(answers.allSatisfy { $0 })
    let longest = waits.withLock { $0.max() ?? .max }
    #expect(longest < 10_000_000_000, "the longest wait took \(longest / 1_000_000) ms")
  }
}

/// Runs `body` as the one holder of the lock on `head`, as a commit does.
private func locked(
  in storage: FileStorage, milliseconds: Int, _ body: () throws -> Void
) throws -> Bool {
  let head = try storage.open("head", for: .writing)
  guard
    try acquire(head, turnstile: "LEDGER", in: storage, timeoutMilliseconds: milliseconds)
  else { return false }
  try body()
  withExtendedLifetime(head) {}
  return true
}

/// Runs `body` in so many threads at once; the answers say which of them didn't throw.
private func inThreads(
  _ count: Int, _ body: @Sendable @escaping (Int) throws -> Void
) -> [Bool] {
  let group = DispatchGroup()
  let answers = Answers(count: count)
  for index in 0..<count {
    group.enter()
    Thread.detachNewThread {
      let isDone = (try? body(index)) != nil
      answers.values.withLock { $0[index] = isDone }
      group.leave()
    }
  }
  group.wait()
  return answers.values.withLock { $0 }
}

private final class Answers: Sendable {
  let values: Mutex<[Bool]>
  init(count: Int) { values = Mutex([Bool](repeating: false, count: count)) }
}

private final class Order: Sendable {
  let values = Mutex<[Int]>([])
}
