import Bytes
import Dispatching
import EventLog
import Events

/// Reads a log to recheck it, once or a share of its dispatches at a time.
struct RecheckPass {
  let reader: LogReader
  let point: HistoryPoint?
  let wanted: EntityID?
  let keepsAccounts: Bool
  let zones: TodaysZones

  /// What one pass comes to, or all.
  struct Found {
    var tally: Tally
    /// By event.
    var requests: [Rechecker.Request]
    var last: CommitLine?
    var isEntangled = false
    /// What is kept of a single pass.
    var fold: AccountFold?
  }

  /// Reads the log once.
  func run(observing body: ((Event) -> Void)?) throws(AuditError) -> Found {
    var rechecker = Rechecker(of: wanted, keepsAccounts: keepsAccounts, today: zones)
    var found = try run(&rechecker, observing: body)
    found.fold = rechecker.fold
    return found
  }

  /// Reads the log as often as there are shares.
  ///
  /// - Returns: What all find; `nil` where they would have to know of each other what is wrong, which
  ///   one pass tells. Then there is a finding for certain, unless a message got a second id of its
  ///   provider that a result had come by before.
  func run(in count: Int, by workers: Workers) throws(AuditError) -> Found? {
    let foresight = Foresight(reader, at: point)
    let pass = Handed(self)
    let results = doing(count, by: workers) { (number) throws(Never) in
      pass.value.result(of: Share(number: number, of: count), foresight)
    }
    var all: Found?
    var failure: AuditError?
    for result in results {
      switch result {
      case .success(let found):
        guard var sum = all else {
          all = found
          continue
        }
        sum.tally.add(found.tally)
        sum.requests += found.requests
        if found.isEntangled { sum.isEntangled = true }
        all = sum
      case .failure(let error): failure = Self.first(failure, error)
      }
    }
    if let failure { throw failure }
    guard var all, !all.isEntangled else { return nil }
    all.requests.sort { $0.event < $1.event }
    return all
  }

  private func result(of share: Share, _ foresight: Foresight) -> Result<Found, AuditError> {
    var rechecker = Rechecker(
      share: share, foresight: foresight, keepsAccounts: keepsAccounts, today: zones)
    do throws(AuditError) {
      return .success(try run(&rechecker, observing: nil))
    } catch {
      return .failure(error)
    }
  }

  /// What a single pass would have stopped at: a share reads only some of the lines.
  private static func first(_ known: AuditError?, _ error: AuditError) -> AuditError {
    guard case .unreadableEvent(let id, _) = error else { return known ?? error }
    if case .unreadableEvent(let other, _)? = known, other <= id { return known ?? error }
    return error
  }

  private func run(
    _ rechecker: inout Rechecker, observing body: ((Event) -> Void)?
  ) throws(AuditError) -> Found {
    var lines = try HistoryLines(reader, at: point)
    var commit: CommitLine?
    var envelopes = EnvelopeReader()
    while true {
      let read = try lines.read { (line, id, isFirst) throws(AuditError) in
        do throws(EventError) {
          let event = try rechecker.take(line, at: id, isFirst: isFirst, with: &envelopes)
          if let event, let body { body(event) }
        } catch {
          throw .unreadableEvent(id, error)
        }
      }
      guard let read else { break }
      commit = read
    }
    // What only another share can't read, that one tells.
    rechecker.finish(behind: try? Event(decoding: lines.last))
    return Found(
      tally: rechecker.tally, requests: rechecker.requests, last: commit,
      isEntangled: rechecker.isEntangled)
  }
}
