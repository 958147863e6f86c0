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

  /// Compares the durable events of two logs, byte for byte, from the first on.
  ///
  /// No root is believed: whoever altered one of the logs may have left its roots as they were.
  ///
  /// - Throws: `.damaged` where an event that has to be compared can't be read; `.storage`.
  package init(_ first: LogReader, _ second: LogReader) throws(LogError) {
    guard first.identity == second.identity else {
      self = .otherLedger
      return
    }
    let size = min(first.size, second.size)
    var (ours, theirs) = (first.events(from: 0, to: size), second.events(from: 0, to: size))
    while let our = try ours.read(), let their = try theirs.read() {
      guard our.line == their.line else {
        self = .forked(at: our.id)
        return
      }
    }
    if first.size == second.size {
      self = .same(size: size)
    } else {
      self = first.size == size ? .firstIsPrefix(size: size) : .secondIsPrefix(size: size)
    }
  }
}
