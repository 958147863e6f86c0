import EventLog
import Merkle
import Simulation
import Testing

@Suite("Reading a log")
struct ReaderTests {
  private static let sizes: [UInt64] = [6, 14]

  private func events(_ cursor: EventCursor) throws(LogError) -> [StoredEvent] {
    var cursor = cursor
    var events: [StoredEvent] = []
    while let event = try cursor.read() { events.append(event) }
    return events
  }

  @Test("from every event on, to every limit, with every hint there is: the same lines")
  func ranges() throws {
    let disk = Workload.finishedDisk(sizes: Self.sizes)
    let reader = try LogReader(disk, identity: Workload.identity)
    let all = try events(reader.events(from: 0))
    #expect(all.map(\.line) == (0..<14).map { Workload.line($0) })
    #expect(Set(all.map(\.segment)).count > 1)
    var hints: [LogPosition?] = [nil]
    for event in all where event.id + 1 == event.commit.end { hints.append(event.commitEnd) }
    for first in 0...UInt64(15) {
      for limit in first...16 {
        for hint in hints where hint.map({ $0.size <= first }) ?? true {
          let lines = try events(reader.events(from: first, to: limit, hint: hint)).map(\.line)
          let last = min(limit, 14)
          #expect(
            lines == (first..<max(first, last)).map { Workload.line($0) },
            "\(first) to \(limit), hint \(String(describing: hint))")
        }
      }
    }
  }

  @Test("the newer slot says how many events were durable when it was written")
  func newestSize() throws {
    let disk = Workload.finishedDisk(sizes: Self.sizes)
    #expect(try Head.newestSize(in: disk, of: Workload.identity.id) == 14)
    disk.remove("head")
    #expect(try Head.newestSize(in: disk, of: Workload.identity.id) == 0)
  }

  @Test("the tree of any beginning of the log is found without its index")
  func trees() throws {
    let disk = Workload.finishedDisk(sizes: Self.sizes)
    let reader = try LogReader(disk, identity: Workload.identity)
    var tree = Frontier()
    for id: UInt64 in 0..<8 { tree.append(leaf: MerkleTree.leafHash(Workload.line(id))) }
    let top = try #require(PerfectSubtree(level: 3, index: 0))
    for size in UInt64(8)...14 {
      #expect(try reader.hashes(of: [top], upTo: size).hash(of: top) == tree.root)
    }
    #expect(try reader.hashes(of: [top], upTo: 7).hash(of: top) == nil)
  }

  @Test("a line is found at its place; elsewhere stands another text, or none")
  func places() throws {
    let disk = Workload.finishedDisk(sizes: Self.sizes)
    let reader = try LogReader(disk, identity: Workload.identity)
    for event in try events(reader.events(from: 0)) {
      #expect(try reader.line(segment: event.segment, offset: event.offset) == event.line)
      #expect(try reader.line(segment: event.segment, offset: event.offset + 1) != event.line)
    }
    #expect(try reader.line(segment: 0, offset: 1 << 20) == nil)
    #expect(throws: LogError.self) { try reader.line(segment: 12, offset: 0) }
  }

  @Test("within what a writer says is durable, no more is read")
  func durable() throws {
    let disk = Workload.finishedDisk(sizes: Self.sizes)
    let whole = try LogReader(disk, identity: Workload.identity)
    for event in try events(whole.events(from: 0)) where event.id + 1 == event.commit.end {
      let reader = try LogReader(
        disk, identity: Workload.identity, durable: event.commitEnd)
      #expect(reader.size == event.commit.end)
      #expect(try events(reader.events(from: 0)).count == Int(event.commit.end))
    }
  }

  @Test("where a segment is gone or damaged, it is said which events can't be read")
  func damage() throws {
    let whole = Workload.finishedDisk(sizes: Self.sizes)
    let segments = whole.paths.filter { $0.hasPrefix("log/") }
    let firsts = segments.compactMap { UInt64($0.dropFirst(4).dropLast(4)) }
    #expect(firsts.count >= 3)
    for (path, first) in zip(segments, firsts).dropLast() {
      let next = try #require(firsts.first { $0 > first })
      for isGone in [true, false] {
        let disk = whole.copy()
        if isGone {
          disk.remove(path)
        } else {
          var bytes = try #require(disk.bytes(of: path))
          bytes[20] ^= 1
          disk.setBytes(of: path, to: bytes)
        }
        let reader = try LogReader(disk, identity: Workload.identity)
        var cursor = reader.events(from: 0)
        var read: UInt64 = 0
        do {
          while try cursor.read() != nil { read += 1 }
          Issue.record("\(path) isn't missed")
        } catch {
          guard case .damaged(let ids, _, _) = error else { throw error }
          #expect(read == first && ids.lowerBound == first, "\(path)")
        }
        // What stands behind it can be read all the same.
        #expect(
          try events(reader.events(from: next)).map(\.line)
            == (next..<14).map { Workload.line($0) })
      }
    }
  }

  @Test("a hint at a place where no commit begins is damage, not another history")
  func badHint() throws {
    let disk = Workload.finishedDisk(sizes: Self.sizes)
    let reader = try LogReader(disk, identity: Workload.identity)
    let event = try #require(try events(reader.events(from: 0, to: 1)).first)
    for offset in [event.offset, event.offset + 1] {
      let hint = LogPosition(size: 0, segment: 0, offset: offset)
      var cursor = reader.events(from: 0, hint: hint)
      #expect(throws: LogError.self) { try cursor.read() }
    }
  }
}
