/// What follows the valid log in its last segment (`FORMAT.md` §6.2).
package enum TailKind: CaseIterable, Hashable, Sendable {
  /// Nothing but newlines.
  case fill
  /// Bytes that tearing explains.
  case explained
  case unexplained
}

extension TailKind {
  private static let sector: UInt64 = 512

  /// Judges all bytes of a segment from `start` on.
  init(
    of file: any StorageFile, from start: UInt64, segment: UInt64, ledger: LedgerID
  ) throws(StorageError) {
    var survey = TailSurvey(start: start)
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    var offset = start
    while true {
      // Each piece but the last ends with a sector.
      let wanted = buffer.count - Int(offset % Self.sector)
      let count = try file.readFully(into: &buffer, range: 0..<wanted, at: offset)
      survey.take(buffer.span.extracting(0..<count), at: offset)
      offset += UInt64(count)
      if count < wanted { break }
    }
    guard survey.contentEnd > start || survey.hasZero else {
      // No test gets here: whoever asks has seen a byte that isn't a newline.
      self = .fill
      return
    }
    var isCut = survey.contentEnd < start + UInt64(CommitLine.length)
    if let line = try readCommitLine(at: start, of: segment, file, ledger) {
      let newline = start + UInt64(CommitLine.length + line.bytes) - 1
      if survey.contentEnd < newline {
        isCut = true
      } else if survey.contentEnd == newline {
        isCut = try !isNewline(at: newline, of: file)
      }
    }
    let isBlank = survey.firstBlankEnd.map { $0 <= survey.contentEnd } ?? false
    self = isCut || isBlank ? .explained : .unexplained
  }
}

/// What the rules of tearing need to know of the bytes after the valid log.
private struct TailSurvey {
  /// Where the last byte that is neither a newline nor zero ends; the beginning where there is none.
  private(set) var contentEnd: UInt64
  private(set) var hasZero = false
  /// Where the first stretch between multiples of 512 ends in which all is newlines and zeros.
  private(set) var firstBlankEnd: UInt64?

  init(start: UInt64) { contentEnd = start }

  mutating func take(_ bytes: Span<UInt8>, at offset: UInt64) {
    var index = 0
    while index < bytes.count {
      let sectorEnd = index + 512 - Int((offset + UInt64(index)) % 512)
      let end = min(bytes.count, sectorEnd)
      var isBlank = true
      for place in index..<end {
        switch bytes[place] {
        case 0x0A: break
        case 0: hasZero = true
        default:
          isBlank = false
          contentEnd = offset + UInt64(place) + 1
        }
      }
      if isBlank, end == sectorEnd, firstBlankEnd == nil {
        firstBlankEnd = offset + UInt64(end)
      }
      index = end
    }
  }
}

private func isNewline(at offset: UInt64, of file: any StorageFile) throws(StorageError) -> Bool {
  var byte: [UInt8] = [0]
  return try file.readFully(into: &byte, range: 0..<1, at: offset) == 1 && byte[0] == 0x0A
}
