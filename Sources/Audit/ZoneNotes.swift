import Dispatching
import Events

extension Rechecker {
  /// Notes where today's zone database says otherwise of the times that the event was decided by.
  mutating func noteZones(_ event: Event) {
    var messages: [String] = []
    switch event.payload {
    case .dispatchRequested(let request):
      messages =
        [RecordedTimes.otherwise(request.start, "start", zones)].compactMap { $0 }
        + (request.end.flatMap { RecordedTimes.otherwise($0, "end", zones) }.map { [$0] } ?? [])
    case .dispatchRejected(let rejected) where rejected.command == .request:
      if let request = try? DispatchRequest(rejected.request),
        let zone = state.program(request.programID)?.definition.timeZone
      {
        messages = RecordedTimes.otherwise(rejected, request, in: zone, zones)
      }
    case .dispatchModified(let change):
      messages =
        [RecordedTimes.otherwise(change.start, "start", zones)].compactMap { $0 }
        + (change.end.flatMap { RecordedTimes.otherwise($0, "end", zones) }.map { [$0] } ?? [])
    case .dispatchEnded(let change):
      messages = [RecordedTimes.otherwise(change.end, "end", zones)].compactMap { $0 }
    default: break
    }
    for message in messages {
      tally.add(Note(first: event.id, last: event.id, kind: .zone, message: message))
    }
  }
}
