package import Bytes
package import Events

/// What one modification of a dispatch said.
package enum DispatchChange: Equatable, Sendable {
  case request(DispatchRequested)
  case modify(DispatchModified)
  case cancel(DispatchCancelled)
  case end(DispatchEnded)
}

/// A modification of a dispatch; the first is its request.
package struct Modification: Equatable, Sendable {
  package var event: EventID
  package var recordedAt: Instant
  package var change: DispatchChange

  package init(event: EventID, recordedAt: Instant, change: DispatchChange) {
    self.event = event
    self.recordedAt = recordedAt
    self.change = change
  }
}

/// A dispatch with all that was ever said of it.
package struct Dispatch: Equatable, Sendable {
  package let request: DispatchRequested
  /// By number from 1, without a gap; the first is the request.
  package private(set) var modifications: [Modification]

  /// The dispatch that a request began.
  package init(_ request: DispatchRequested, by event: EventID, at time: Instant) {
    self.request = request
    modifications = [Modification(event: event, recordedAt: time, change: .request(request))]
  }

  /// Takes in what changed it.
  package mutating func add(_ modification: Modification) {
    modifications.append(modification)
  }

  package var id: EntityID { request.dispatchID }

  /// The number of the last modification.
  package var modification: Int { modifications.count }

  /// When it begins, as last said.
  package var start: ZonedMoment { times(after: modification).start }

  /// When it ends, as last said; absent: open-ended.
  package var end: ZonedMoment? { times(after: modification).end }

  /// What is kept beside the known fields, as last said.
  package var attributes: JSONObject? {
    for modification in modifications.reversed() {
      if case .modify(let change) = modification.change { return change.attributes }
    }
    return request.attributes
  }

  /// When it begins and ends after the first so many modifications.
  package func times(after count: Int) -> (start: ZonedMoment, end: ZonedMoment?) {
    var (start, end) = (request.start, request.end)
    for modification in modifications.prefix(count) {
      switch modification.change {
      case .request, .cancel: break
      case .modify(let change): (start, end) = (change.start, change.end)
      case .end(let change): end = change.end
      }
    }
    return (start, end)
  }

  package var isCancelled: Bool {
    modifications.contains { modification in
      if case .cancel = modification.change { true } else { false }
    }
  }

  /// What the notices of a modification say; `nil` where there is no such modification.
  package func noticeKind(of number: Int) -> NoticeKind? {
    guard modifications.indices.contains(number - 1) else { return nil }
    switch modifications[number - 1].change {
    case .request: return .start
    case .modify(let change):
      let before = times(after: number - 1)
      guard change.start.instant == before.start.instant, let ended = before.end?.instant else {
        return .update
      }
      return change.end.map { $0.instant > ended } ?? true ? .extend : .update
    case .cancel: return .cancel
    case .end: return .end
    }
  }
}

/// Where a dispatch stands at a time; derived, never stored.
package enum DispatchPhase: String, Hashable, Sendable, CaseIterable {
  /// Its notice deadline is still to come.
  case far
  /// Its notice deadline has passed, but it hasn't begun.
  case near
  case active
  case completed, cancelled

  /// Final phases take answers, results and corrections only.
  package var isFinal: Bool {
    switch self {
    case .completed, .cancelled: true
    case .far, .near, .active: false
    }
  }

  /// The phase at `now`: each begins at its own instant.
  package init(
    start: Instant, end: Instant?, isCancelled: Bool, leadTime: ISODuration, now: Instant
  ) {
    if isCancelled {
      self = .cancelled
    } else if let end, end <= now {
      self = .completed
    } else if start <= now {
      self = .active
    } else {
      self = noticeDeadline(start: start, leadTime: leadTime) <= now ? .near : .far
    }
  }
}

/// When the notice of a start must be there at the latest.
package func noticeDeadline(start: Instant, leadTime: ISODuration) -> Instant {
  start.adding(seconds: -leadTime.seconds)
}
