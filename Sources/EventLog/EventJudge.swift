/// Says what a log's verifier can't: what an event line holds.
package protocol EventJudge: AnyObject {
  /// Another judge of the same mind for another thread, which shares with this one only what never
  /// changes; it is never asked to note anything.
  func another() -> any EventJudge

  /// Whether a line is the well-formed event with that id in that commit (`FORMAT.md` §4.2).
  func accepts(_ line: RawSpan, _ id: UInt64, of commit: CommitLine) -> Bool

  /// Where the subject stands in the line that was accepted last; `nil` where it has none.
  func subject(of line: RawSpan) -> Range<Int>?

  /// Whether there is something to note of a line; it costs next to nothing.
  func isNotable(_ line: RawSpan) -> Bool

  /// Notes an event, and says what it tells of an archive, if it does. Events come in their order.
  func note(_ line: [UInt8], _ id: UInt64) -> ArchiveClaim?

  /// Notes a commit that the log was read to the end of, whether or not its events were accepted.
  func pass(_ commit: CommitLine)

  // What a judge needs that takes something of each event that it accepts. One of another thread is
  // asked about a window at a time, and what it took counts once the window is handed over.

  /// Forgets all that was taken: a window begins.
  func beginWindow()

  /// Forgets what was taken of the events from `id` on, the last ones: their commit doesn't hold.
  func forget(from id: UInt64)

  /// Takes over what another judge took of a window, whose commits all hold; windows come in the
  /// order of the log.
  func take(_ window: any EventJudge)
}

extension EventJudge {
  package func subject(of line: RawSpan) -> Range<Int>? { EventLine.subject(in: line) }
  package func isNotable(_ line: RawSpan) -> Bool { false }
  package func note(_ line: [UInt8], _ id: UInt64) -> ArchiveClaim? { nil }
  package func pass(_ commit: CommitLine) {}
  package func beginWindow() {}
  package func forget(from id: UInt64) {}
  package func take(_ window: any EventJudge) {}
}
