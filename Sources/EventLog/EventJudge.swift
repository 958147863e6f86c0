/// Says what a log's verifier can't: what an event line holds.
package protocol EventJudge: AnyObject {
  /// Another judge of the same mind for another thread, which shares with this one only what never
  /// changes; it is never asked to note anything.
  func another() -> any EventJudge

  /// Whether a line is the well-formed event with that id in that commit (`FORMAT.md` §4.2).
  func accepts(_ line: RawSpan, _ id: UInt64, of commit: CommitLine) -> Bool

  /// Whether there is something to note of a line; it costs next to nothing.
  func isNotable(_ line: RawSpan) -> Bool

  /// Notes an event, and says what it tells of an archive, if it does. Events come in their order.
  func note(_ line: [UInt8], _ id: UInt64) -> ArchiveClaim?

  /// Notes a commit that the log was read to the end of, whether or not its events were accepted.
  func pass(_ commit: CommitLine)
}

extension EventJudge {
  package func isNotable(_ line: RawSpan) -> Bool { false }
  package func note(_ line: [UInt8], _ id: UInt64) -> ArchiveClaim? { nil }
  package func pass(_ commit: CommitLine) {}
}
