import Bytes
package import Events

/// What a state that doesn't hold all dispatches is to remember of the others.
///
/// What is decided about a dispatch follows from its own events, the catalogue and the users, with
/// four exceptions (`EVENTS.md`): a program's cap counts all its dispatches; a legal hold names one,
/// which must be there; a rule may execute one that waits, and all that wait are looked at together;
/// and a result that comes by a provider's id may belong to an attempt of any.
package struct Elsewhere: Sendable {
  /// Programs that at any time limit how many dispatches there are in a season.
  package var cappedPrograms: Set<EntityID> = []
  /// Dispatches that a hold names.
  package var heldDispatches: Set<EntityID> = []
  /// Whether any dispatch ever waits.
  package var hasSchedules = false
  /// The bytes of providers' ids by which results came that no attempt had taken.
  package var providerIDs: Set<[UInt8]> = []

  package init() {}

  /// Takes in an event of the whole log, whichever dispatch it is of.
  package mutating func take(_ event: Event) {
    switch event.payload {
    case .programDefined(let program) where program.caps?.dispatchesPerSeason != nil:
      cappedPrograms.insert(program.id)
    case .legalHoldPlaced(let hold):
      if let dispatch = hold.dispatchID { heldDispatches.insert(dispatch) }
    case .deliveryUnmatched(let result):
      if let id = result.providerID { providerIDs.insert(Array(id.utf8)) }
    case .dispatchScheduled: hasSchedules = true
    default: break
    }
  }

  /// The types whose events ``take(_:)`` needs.
  package static let types: Set<EventType> = [
    .programDefined, .legalHoldPlaced, .deliveryUnmatched, .dispatchScheduled,
  ]

  /// Whether ``MemoryState/apply(elsewhere:behind:_:)`` needs the events of such a type.
  package func asks(for type: EventType) -> Bool {
    switch type {
    case .dispatchTriggered, .dispatchMissed: true
    case .dispatchRequested, .dispatchScheduled, .dispatchModified, .dispatchCancelled,
      .dispatchEnded:
      !cappedPrograms.isEmpty || !heldDispatches.isEmpty || hasSchedules
    case .deliveryRecorded: !providerIDs.isEmpty
    default: false
    }
  }
}

extension MemoryState {
  /// What counts of a dispatch that is elsewhere.
  struct Counted: Sendable {
    var start: Instant
    let isTest: Bool
    var isCancelled = false
  }

  /// Takes in an event of a dispatch that this state doesn't hold.
  ///
  /// It is exact for logs in which a request isn't repeated, a dispatch that waits was requested by
  /// the event in front of its `dispatch.scheduled`, and a result names an attempt of its own dispatch,
  /// with the first id that the provider gave that: whoever holds the dispatch can tell.
  ///
  /// - Parameter last: The request of a dispatch elsewhere that came last.
  package mutating func apply(elsewhere event: Event, behind last: Event?, _ asked: Elsewhere) {
    switch event.payload {
    case .dispatchRequested(let request):
      let id = request.dispatchID
      if asked.heldDispatches.contains(id), dispatches[id] == nil {
        dispatches[id] = Dispatch(request, by: event.id, at: event.time)
      }
      if asked.cappedPrograms.contains(request.programID), counted[id] == nil {
        counted[id] = Counted(start: request.start.instant, isTest: request.isTest)
        dispatchesOfProgram[request.programID, default: []].append(id)
      }
    case .dispatchScheduled(let scheduled):
      guard let last, last.id + 1 == event.id, case .dispatchRequested(let request) = last.payload,
        request.dispatchID == scheduled.dispatchID
      else { return }
      dispatches[request.dispatchID] = Dispatch(request, by: last.id, at: last.time)
      waits.take(event)
    case .dispatchTriggered(let trigger):
      waits.take(event)
      forgetWaiting(trigger.dispatchID, asked)
    case .dispatchMissed(let miss):
      waits.take(event)
      forgetWaiting(miss.dispatchID, asked)
    case .dispatchModified(let change):
      counted[change.dispatchID]?.start = change.start.instant
      self.change(change.dispatchID, .modify(change), event)
    case .dispatchEnded(let change): self.change(change.dispatchID, .end(change), event)
    case .dispatchCancelled(let change):
      counted[change.dispatchID]?.isCancelled = true
      self.change(change.dispatchID, .cancel(change), event)
      forgetWaiting(change.dispatchID, asked)
    case .deliveryRecorded(let result):
      guard let id = result.providerID.map({ Array($0.utf8) }), asked.providerIDs.contains(id)
      else { return }
      if attemptsOfProvider[id]?.contains(result.attempt) != true {
        attemptsOfProvider[id, default: []].append(result.attempt)
      }
      if let taken = result.unmatched { unmatched[id]?.removeAll { $0.event == taken } }
    default: break
    }
  }

  private mutating func change(_ dispatch: EntityID, _ change: DispatchChange, _ event: Event) {
    dispatches[dispatch]?.add(
      Modification(event: event.id, recordedAt: event.time, change: change))
  }

  /// What no longer waits is looked at no more, as if it never had waited.
  private mutating func forgetWaiting(_ dispatch: EntityID, _ asked: Elsewhere) {
    waits.forgetSchedule(of: dispatch)
    if !asked.heldDispatches.contains(dispatch) { dispatches[dispatch] = nil }
  }

  /// Whether the attempt's message has this id of its provider.
  package func isKnown(_ attempt: EventID, byProviderID id: String) -> Bool {
    attemptsOfProvider[Array(id.utf8)]?.contains(attempt) ?? false
  }
}
