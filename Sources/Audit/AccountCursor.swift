import Bytes
package import Dispatching
import EventLog
import Events

/// Makes the accounts of a recheck's dispatches, in the order of their requests.
///
/// Where a single pass has kept what they are made of, nothing is read. Otherwise the log is read again
/// for as many dispatches at a time as a pass holds.
package struct AccountCursor {
  private let requests: [Rechecker.Request]
  private let isKept: Bool
  private let reader: LogReader
  private let point: HistoryPoint?
  private let horizon: Instant?
  private var fold: AccountFold?
  /// Of ``requests``, the next one, and the first whose dispatch isn't in ``fold``.
  private var (next, end) = (0, 0)

  init(
    of requests: [Rechecker.Request], kept fold: AccountFold?, in reader: LogReader,
    at point: HistoryPoint?, by horizon: Instant?
  ) {
    self.requests = requests
    self.fold = fold
    isKept = fold != nil
    self.reader = reader
    self.point = point
    self.horizon = horizon
    if isKept { end = requests.count }
  }

  /// The next account, or `nil` after the last one.
  ///
  /// - Throws: `.log`, `.unreadableEvent`.
  package mutating func read() throws(AuditError) -> DispatchAccount? {
    guard next < requests.count, let horizon else { return nil }
    if next == end { try foldMore() }
    defer { next += 1 }
    return fold?.account(of: requests[next].dispatch, by: horizon)
  }

  /// All attempts to tell the users of the dispatch whose account was read last, by modification, user
  /// and their order.
  package func attempts(of account: DispatchAccount) -> [Attempt] {
    fold?.attempts(of: account) ?? []
  }

  private mutating func foldMore() throws(AuditError) {
    fold = nil
    let most = max(1, requests.count * Int(Recheck.eventsInPass) / max(1, Int(reader.size)))
    end = min(requests.count, next + most)
    let names = Set(
      requests[next..<end].map { unsafe Share.hash($0.dispatch.text.utf8.span.bytes) })
    var envelopes = EnvelopeReader()
    let decoder = EventDecoder()
    var folded = AccountFold()
    var lines = try HistoryLines(reader, at: point)
    func take(_ line: RawSpan, _ id: EventID, _ isFirst: Bool) throws(AuditError) {
      if let view = envelopes.read(line) {
        if let name = view.dispatchName(in: line) {
          guard names.contains(Share.hash(line.extracting(name))) else { return }
        } else {
          // Of all others, accounts need no more than lead times.
          guard EventType(line.extracting(view.type)) == .programDefined else { return }
        }
      }
      let event: Event
      do { event = try decoder.event(of: line) } catch { throw .unreadableEvent(id, error) }
      _ = folded.balance(event)
      folded.apply(event)
    }
    while try lines.read(take) != nil {}
    fold = folded
  }
}
