import Platform
import Synchronization
import Testing

@Suite("Work on threads")
struct ThreadTests {
  @Test("each piece is done once, and all are done at the return", arguments: [0, 1, 2, 7, 500])
  func pieces(count: Int) {
    let done = Mutex<[Int]>([])
    doAtOnce(count) { piece in done.withLock { $0.append(piece) } }
    #expect(done.withLock { $0.sorted() } == Array(0..<count))
  }

  @Test("no more pieces are at work at once than were asked for")
  func most() {
    let working = Atomic<Int>(0)
    let greatest = Atomic<Int>(0)
    doAtOnce(200, most: 2) { _ in
      let now = working.add(1, ordering: .sequentiallyConsistent).newValue
      greatest.max(now, ordering: .sequentiallyConsistent)
      working.subtract(1, ordering: .sequentiallyConsistent)
    }
    #expect((1...2).contains(greatest.load(ordering: .sequentiallyConsistent)))
  }
}
