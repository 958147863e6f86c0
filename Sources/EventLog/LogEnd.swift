import Bytes

/// What stands at a log's end, and what opening it for writing may do (`FORMAT.md` §6.3).
package enum RecoveryState: String, CaseIterable, Hashable, Sendable {
  /// Durable bytes don't verify. Nothing is ever cut.
  case corrupt
  /// The log ends well, but before events that were durable.
  case lostTail = "lost-tail"
  /// Neither slot of `head` is valid.
  case headLost = "head-lost"
  /// Bytes that nobody was told of, and that a crash alone doesn't leave.
  case suspect
  /// A crash cut or tore what nobody had been told was durable.
  case torn
  case clean

  /// The table of `FORMAT.md` §6.3.
  package init(reachesMark: Bool, tail: TailKind, hasSlot: Bool, isBrokenBeforeLastSegment: Bool) {
    if isBrokenBeforeLastSegment || (!reachesMark && tail != .fill) {
      self = .corrupt
    } else if !reachesMark {
      self = .lostTail
    } else if !hasSlot {
      self = .headLost
    } else {
      self =
        switch tail {
        case .fill: .clean
        case .explained: .torn
        case .unexplained: .suspect
        }
    }
  }
}

/// What follows the valid log in its last segment.
package enum TailKind: CaseIterable, Hashable, Sendable {
  /// Nothing but newlines.
  case fill
  /// Bytes that tearing explains (`FORMAT.md` §6.2).
  case explained
  case unexplained
}

/// Where a log's valid part ends, and what is known of what should be there.
package struct LogEnd: Hashable, Sendable {
  package let state: RecoveryState
  /// How many events come before the first thing that isn't valid, and where that stands.
  package let valid: LogPosition
  /// The durable mark: at least so many events were durable once.
  package let mark: UInt64
  /// Bytes of the last segment.
  package let fileLength: UInt64

  package init(state: RecoveryState, valid: LogPosition, mark: UInt64, fileLength: UInt64) {
    self.state = state
    self.valid = valid
    self.mark = mark
    self.fileLength = fileLength
  }
}

/// The bytes between the end of the valid log and the end of its last segment.
struct TailBytes {
  let kind: TailKind
  /// The greatest `durable` of the commit lines that stand there.
  let mark: UInt64

  /// Looks at all bytes of `file` from `start` on, a megabyte at a time.
  ///
  /// - Parameter size: How many events come before `start`.
  init(
    of file: any StorageFile, from start: UInt64, size: UInt64, segment: UInt64, ledger: LedgerID
  ) throws(StorageError) {
    var survey = TailSurvey(start: start, segment: segment, ledger: ledger)
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var offset = start
    while true {
      let count = try file.readFully(into: &buffer, range: 0..<buffer.count, at: offset)
      survey.take(buffer[..<count], at: offset)
      if count < buffer.count { break }
      // A commit line or a sector may lie across the seam: it is seen again with what follows it.
      offset += UInt64(count - 1_024)
    }
    let lines = survey.commits
    mark = lines.map(\.durable.size).max() ?? 0
    kind = survey.kind(size: size)
  }
}

/// What the rules of tearing need to know of the bytes after the valid log (`FORMAT.md` §6.2).
private struct TailSurvey {
  let start: UInt64
  let segment: UInt64
  let ledger: LedgerID
  private var end: UInt64
  /// Where the last byte that is neither a newline nor zero ends; `start` where there is none.
  private var contentEnd: UInt64
  private var hasZero = false
  /// Where the first stretch between multiples of 512 ends that is blank as far as it lies beyond `start`.
  private var firstBlankEnd: UInt64?
  private(set) var commits: [CommitLine] = []
  private var commitAtStart: CommitLine?

  init(start: UInt64, segment: UInt64, ledger: LedgerID) {
    self.start = start
    self.segment = segment
    self.ledger = ledger
    end = start
    contentEnd = start
  }

  mutating func take(_ bytes: ArraySlice<UInt8>, at offset: UInt64) {
    end = max(end, offset + UInt64(bytes.count))
    if let last = bytes.lastIndex(where: { $0 != 0x0A && $0 != 0 }) {
      contentEnd = max(contentEnd, offset + UInt64(last - bytes.startIndex) + 1)
    }
    if !hasZero { hasZero = bytes.contains(0) }
    findBlankSector(bytes, at: offset)
    findCommits(bytes, at: offset)
  }

  private mutating func findBlankSector(_ bytes: ArraySlice<UInt8>, at offset: UInt64) {
    var sectorStart = offset
    while firstBlankEnd == nil, sectorStart < offset + UInt64(bytes.count) {
      let sectorEnd = (sectorStart / 512 + 1) * 512
      let from = bytes.startIndex + Int(sectorStart - offset)
      // Only whole sectors; what the seam cuts is seen again with the next piece.
      guard sectorEnd <= offset + UInt64(bytes.count) else { return }
      let isWhole = sectorStart == start || sectorStart.isMultiple(of: 512)
      let sector = bytes[from..<bytes.startIndex + Int(sectorEnd - offset)]
      if isWhole, sector.allSatisfy({ $0 == 0x0A }) || sector.allSatisfy({ $0 == 0 }) {
        firstBlankEnd = sectorEnd
      }
      sectorStart = sectorEnd
    }
  }

  private mutating func findCommits(_ bytes: ArraySlice<UInt8>, at offset: UInt64) {
    var index = bytes.startIndex
    while let found = bytes[index...].firstIndex(of: UInt8(ascii: "#")) {
      index = found + 1
      let place = offset + UInt64(found - bytes.startIndex)
      guard place == start || (found > bytes.startIndex && bytes[found - 1] == 0x0A),
        let commit = CommitLine(
          bytes[found...].prefix(CommitLine.length), in: ledger, segment: segment, offset: place)
      else { continue }
      if place == start { commitAtStart = commit }
      commits.append(commit)
    }
  }

  func kind(size: UInt64) -> TailKind {
    if contentEnd == start && !hasZero { return .fill }
    if contentEnd - start < UInt64(CommitLine.length) { return .explained }
    if let commit = commitAtStart {
      let wanted = start + UInt64(CommitLine.length + commit.bytes)
      if contentEnd < wanted - 1 || end < wanted { return .explained }
    }
    if let blank = firstBlankEnd, blank <= contentEnd { return .explained }
    let isGroup = commits.contains { commit in
      commit.durable.size <= size && commit != commitAtStart
    }
    return isGroup ? .explained : .unexplained
  }
}
