import EventLog
import Foundation
import Simulation

/// Damages to a ledger at rest: each must be found, with the ids that it concerns, by both
/// implementations.
struct AtRest {
  /// A line of a segment, and the commit that it belongs to.
  private struct Line {
    let range: Range<Int>
    /// `nil` for the header and a seal.
    let ids: Range<UInt64>?
    let kind: Kind

    enum Kind { case header, commit, event, seal }
  }

  private struct Segment {
    let path: String
    let first: UInt64
    let bytes: [UInt8]
    let lines: [Line]
    let isLast: Bool
    /// The ids of its events.
    let ids: Range<UInt64>

    /// The ids of the commits from the one of a line to the segment's end.
    func ids(from line: Int) -> Range<UInt64> {
      let next = lines[line...].compactMap(\.ids).first?.lowerBound ?? ids.upperBound
      return next..<ids.upperBound
    }

    func joined(_ order: [Int]) -> [UInt8] { order.flatMap { Array(bytes[lines[$0].range]) } }
  }

  /// What should be found.
  private struct Expectation {
    var ids: [UInt64] = []
    /// Whether other ids may be named as well.
    var isAtLeast = false
  }

  private let whole: SimulatedDisk
  private let segments: [Segment]
  private let size: UInt64
  private let second: SampledSecond
  private let byteCount: Int

  init(bytes: Int) throws {
    byteCount = bytes
    whole = try WrittenLedger.make(bytes: bytes, segmentBytes: UInt64(bytes / 3))
    second = SampledSecond()
    let paths = whole.paths.filter { $0.hasPrefix("log/") }
    let report = try WrittenLedger.report(of: whole)
    size = report.size
    var segments: [Segment] = []
    for (index, path) in paths.enumerated() {
      let next = index + 1 < paths.count ? UInt64(paths[index + 1].dropFirst(4).dropLast(4)) : size
      guard let bytes = whole.bytes(of: path), let first = UInt64(path.dropFirst(4).dropLast(4)),
        let next
      else { throw Broken("\(path) has no number") }
      segments.append(
        Segment(
          path: path, first: first, bytes: bytes, lines: Self.lines(bytes),
          isLast: path == paths.last, ids: first..<next))
    }
    self.segments = segments
  }

  private static func lines(_ bytes: [UInt8]) -> [Line] {
    var lines: [Line] = []
    var ids: Range<UInt64>?
    var start = 0
    for end in bytes.indices where bytes[end] == 0x0A {
      let text = String(decoding: bytes[start..<end], as: UTF8.self)
      let fields = text.split(separator: " ").map { $0.split(separator: "=").last ?? "" }
      var kind = Line.Kind.event
      if text.hasPrefix("#segment ") {
        kind = .header
      } else if text.hasPrefix("#seal ") {
        kind = .seal
      } else if text.hasPrefix("#commit "), let first = UInt64(fields[1]),
        let count = UInt64(fields[2])
      {
        kind = .commit
        ids = first..<first + count
      }
      let isOwn = kind == .commit || kind == .event
      lines.append(Line(range: start..<end + 1, ids: isOwn ? ids : nil, kind: kind))
      start = end + 1
    }
    return lines
  }

  // MARK: - Parts

  /// Every bit of the log, and of `head`.
  func bits() -> Part {
    let head = whole.bytes(of: "head") ?? []
    let total = segments.reduce(0) { $0 + $1.bytes.count * 8 } + head.count * 8
    return Part("bits", count: total) { number, tally in
      var rest = number
      for segment in segments {
        if rest < segment.bytes.count * 8 {
          var bytes = segment.bytes
          bytes[rest / 8] ^= 1 << (rest % 8)
          let hit = segment.lines.first { $0.range.contains(rest / 8) }
          return try judge(
            segment.path, bytes, Expectation(ids: hit?.ids.map(Array.init) ?? []), number, &tally,
            "\(segment.path): bit \(rest % 8) of byte \(rest / 8)")
        }
        rest -= segment.bytes.count * 8
      }
      guard rest < head.count * 8 else { return }
      var bytes = head
      bytes[rest / 8] ^= 1 << (rest % 8)
      try judgeHead(bytes, &tally, "head: bit \(rest % 8) of byte \(rest / 8)")
    }
  }

  /// Every length that a segment may be cut to.
  func cuts() -> Part {
    let total = segments.reduce(0) { $0 + $1.bytes.count }
    return Part("cuts", count: total) { number, tally in
      var rest = number
      for segment in segments {
        if rest < segment.bytes.count {
          let lost = segment.lines.filter { line in
            guard let ids = line.ids else { return false }
            let last = segment.lines.last { $0.ids == ids }
            return (last?.range.upperBound ?? 0) > rest && line.kind == .commit
          }.flatMap { Array($0.ids ?? 0..<0) }
          return try judge(
            segment.path, Array(segment.bytes[..<rest]), Expectation(ids: lost), number, &tally,
            "\(segment.path) cut to \(rest)")
        }
        rest -= segment.bytes.count
      }
    }
  }

  /// Lines that change places, are dropped, doubled or copied over others of their length; segments
  /// that are missing, doubled, or come from elsewhere.
  func linesAndSegments() throws -> Part {
    var cases: [(name: String, disk: SimulatedDisk, expected: Expectation)] = []
    func add(_ name: String, _ path: String, _ bytes: [UInt8], _ expected: Expectation) {
      let disk = whole.copy()
      disk.setBytes(of: path, to: bytes)
      cases.append((name, disk, expected))
    }
    for segment in segments {
      let lines = segment.lines
      for index in lines.indices {
        let (before, after) = (Array(lines.indices[..<index]), Array(lines.indices[(index + 1)...]))
        let name = "\(segment.path): line \(index)"
        let behind = Expectation(ids: Array(segment.ids(from: index)))
        add("\(name) dropped", segment.path, segment.joined(before + after), behind)
        let isEnd = index + 1 == lines.count || lines[index + 1].ids != lines[index].ids
        let doubled =
          isEnd && lines[index].ids != nil && index + 1 < lines.count
          ? Expectation(ids: Array(segment.ids(from: index + 1)))
          : isEnd && lines[index].kind != .header ? Expectation() : behind
        add(
          "\(name) doubled", segment.path,
          segment.joined(before + [index, index] + after), doubled)
        if let next = after.first {
          let touched = [lines[index], lines[next]].flatMap { Array($0.ids ?? 0..<0) }
          add(
            "\(name) and the next one swapped", segment.path,
            segment.joined(before + [next, index] + after.dropFirst()),
            Expectation(ids: Set(touched).sorted()))
        }
        for other in lines.indices
        where other != index && lines[other].range.count == lines[index].range.count {
          add(
            "\(name) in place of \(other)", segment.path,
            segment.joined(lines.indices.map { $0 == other ? index : $0 }),
            Expectation(ids: lines[other].ids.map(Array.init) ?? []))
        }
      }
    }
    try addSegments(to: &cases)
    return Part("lines", count: cases.count) { number, tally in
      guard cases.indices.contains(number) else { return }
      let (name, disk, expected) = cases[number]
      try judge(disk.copy(), expected, number, &tally, name)
    }
  }

  private func addSegments(
    to cases: inout [(name: String, disk: SimulatedDisk, expected: Expectation)]
  ) throws {
    let third = UInt64(byteCount / 3)
    let foreign = try WrittenLedger.make(
      bytes: byteCount, segmentBytes: third, identity: WrittenLedger.otherIdentity)
    let fork = try WrittenLedger.make(bytes: byteCount, segmentBytes: third, forkedAt: 5)
    for segment in segments {
      let all = Expectation(ids: Array(segment.ids))
      let missing = whole.copy()
      missing.remove(segment.path)
      cases.append(("\(segment.path) missing", missing, all))
      for number in [segment.first + 1, size + 90] {
        let digits = String(number)
        let name = "log/" + String(repeating: "0", count: 16 - digits.count) + digits + ".log"
        let doubled = whole.copy()
        doubled.setBytes(of: name, to: segment.bytes)
        cases.append(("\(segment.path) as \(name) too", doubled, Expectation(isAtLeast: true)))
      }
      for other in segments where other.path != segment.path {
        let disk = whole.copy()
        disk.setBytes(of: segment.path, to: other.bytes)
        cases.append(("\(other.path) as \(segment.path)", disk, all))
      }
      for (source, name) in [(foreign, "another ledger"), (fork, "a fork")] {
        // What came before the fork is the same in both.
        guard let bytes = source.bytes(of: segment.path), bytes != segment.bytes else { continue }
        let disk = whole.copy()
        disk.setBytes(of: segment.path, to: bytes)
        // A fork's segment holds together in itself: that it doesn't fit what stands beside it is all
        // that can be said.
        let expected = name == "a fork" ? Expectation(isAtLeast: true) : all
        cases.append(("\(segment.path) from \(name)", disk, expected))
      }
    }
  }

  // MARK: - Judging

  private func judge(
    _ path: String, _ bytes: [UInt8], _ expected: Expectation, _ number: Int,
    _ tally: inout Tally, _ what: @autoclosure () -> String
  ) throws {
    let disk = whole.copy()
    disk.setBytes(of: path, to: bytes)
    try judge(disk, expected, number, &tally, what())
  }

  private func judge(
    _ disk: SimulatedDisk, _ expected: Expectation, _ number: Int, _ tally: inout Tally,
    _ what: @autoclosure () -> String
  ) throws {
    tally.flips += 1
    let report = try WrittenLedger.report(of: disk)
    let found = report.damage.flatMap { Array($0.ids) }
    if report.state == .clean, report.damage.isEmpty {
      tally.lose("\(what()): passes as clean, \(report.size) of \(size) events")
    }
    tally.expect(
      expected.isAtLeast
        ? Set(found).isSuperset(of: expected.ids) : found.sorted() == expected.ids,
      "\(what()): names \(report.damage), should name \(expected.ids)")
    if report.damage.isEmpty, report.size < size {
      tally.lose("\(what()): \(report.size) of \(size) events, and no damage")
    }
    try second.compare(disk, number, &tally, what())
    try judgeOpening(disk, &tally, what())
  }

  /// A writer refuses and changes nothing, or has all events.
  private func judgeOpening(
    _ disk: SimulatedDisk, _ tally: inout Tally, _ what: @autoclosure () -> String
  ) throws {
    let before = disk.copy()
    do {
      let head = try Head.open(in: disk)
      let writer = try LogWriter.open(disk, identity: WrittenLedger.identity, head: head)
      if writer.size < size { tally.lose("\(what()): opened with \(writer.size) of \(size)") }
    } catch {
      guard case LogError.needsRepair = error else { throw error }
      for path in before.paths where before.bytes(of: path) != disk.bytes(of: path) {
        tally.mistake("\(what()): refused, and \(path) was changed")
      }
    }
  }

  /// One slot is lost at most: the other and the log say what is durable, and nothing is damaged.
  private func judgeHead(
    _ bytes: [UInt8], _ tally: inout Tally, _ what: @autoclosure () -> String
  ) throws {
    tally.flips += 1
    let disk = whole.copy()
    disk.setBytes(of: "head", to: bytes)
    let head = try Head.open(in: disk)
    let writer = try LogWriter.open(disk, identity: WrittenLedger.identity, head: head)
    if writer.size < size { tally.lose("\(what()): opened with \(writer.size) of \(size)") }
    let report = try WrittenLedger.report(of: disk)
    tally.expect(
      report.state == .clean && report.damage.isEmpty && report.size == size,
      "\(what()): \(report.state), \(report.damage), \(report.size) of \(size) events")
  }
}

/// The second implementation, asked now and then.
final class SampledSecond {
  private static let every = 997
  private var process: SecondImplementation?
  private let directory = FileManager.default.temporaryDirectory
    .appendingPathComponent("torture-\(UUID().uuidString)")

  deinit { try? FileManager.default.removeItem(at: directory) }

  func compare(
    _ disk: SimulatedDisk, _ number: Int, _ tally: inout Tally, _ what: @autoclosure () -> String
  ) throws {
    guard number % Self.every == 0 else { return }
    let second = try process ?? SecondImplementation()
    process = second
    try WrittenLedger.write(disk, to: directory)
    let theirs = try second.answer(for: directory.path)
    let ours = try WrittenLedger.answer(of: disk)
    tally.expect(ours == theirs, "\(what()): \(ours)\n  the other says \(theirs)")
  }
}
