import Merkle

/// How two logs of one ledger stand to each other.
package enum LogComparison: Hashable, Sendable {
  /// Both hold the same events.
  case same(size: UInt64)
  /// The first log is the beginning of the second, and ends after so many events.
  case firstIsPrefix(size: UInt64)
  /// The second is the beginning of the first.
  case secondIsPrefix(size: UInt64)
  /// They hold the same events up to this one, and each another one with this id.
  case forked(at: UInt64)
  /// They are of two ledgers, so that nothing is to be compared.
  case otherLedger

  /// Compares the durable events of two logs, byte for byte.
  ///
  /// Where both have a segment of the same name whose headers tell of the same tree, what stands before is
  /// taken to be the same: that is what their roots say, and what verifying each of them checks. So this
  /// costs two segments, if they were divided alike, and both logs otherwise.
  ///
  /// - Throws: `.damaged` where an event that has to be compared can't be read; `.storage`.
  package init(_ first: LogReader, _ second: LogReader) throws(LogError) {
    guard first.identity == second.identity else {
      self = .otherLedger
      return
    }
    let size = min(first.size, second.size)
    var id = try Self.commonBeginning(first, second, below: size)
    var (ours, theirs) = (first.events(from: id), second.events(from: id))
    while id < size {
      guard let our = try ours.read(), let their = try theirs.read() else { break }
      guard our.line == their.line else {
        self = .forked(at: id)
        return
      }
      id += 1
    }
    if first.size == second.size {
      self = .same(size: size)
    } else {
      self = first.size == size ? .firstIsPrefix(size: size) : .secondIsPrefix(size: size)
    }
  }

  /// The name of the last segment that both have, and that begins with the same tree in both.
  private static func commonBeginning(
    _ first: LogReader, _ second: LogReader, below size: UInt64
  ) throws(LogError) -> UInt64 {
    let names = Set(second.segments)
    let common = first.segments.filter { names.contains($0) && $0 <= size }
    // Once trees differ they differ for ever, so the last one that is the same is found by halves.
    var (low, high) = (0, common.count)
    while low < high {
      let middle = (low + high) / 2
      let ours = try first.tree(beginning: common[middle])
      if ours != nil, try ours == second.tree(beginning: common[middle]) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low == 0 ? 0 : common[low - 1]
  }
}
