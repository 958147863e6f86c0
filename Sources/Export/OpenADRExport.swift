import Audit
package import Bytes
import Dispatching
package import EventLog
import Events

/// Programs, dispatches and who was told as OpenADR 3.1 has them (`FORMAT.md` §26): three files, each
/// an array with an object a line.
///
/// One pass over the log, in memory for each dispatch but not for its recipients, then one by
/// ``TableExport`` for the reports.
package struct OpenADRExport {
  private let scope: ExportScope
  private let scratch: Scratch
  private var programs: [EntityID: Program] = [:]
  private var called: [EntityID: Called] = [:]
  /// In the order of the log.
  private var order: [EntityID] = []
  /// The groups that each version of a market event type reaches.
  private var groups: [EventID: SortedSet<EntityID>] = [:]
  private var leftOut = LeftOut()

  private struct Program {
    var definition: ProgramDefined
    let created: Instant
    var changed: Instant
    var isRetired = false
    var isTold = false
  }

  private struct Called {
    var dispatch: Dispatch
    var waits = false
    var isTold = false
  }

  /// What OpenADR has no place for, and how often.
  private struct LeftOut {
    var drills: Int64 = 0
    var notExecuted: Int64 = 0
    var payloads: Int64 = 0
    var rejected: Int64 = 0
    var retiredPrograms: Int64 = 0
    var withoutTargets: Int64 = 0
    /// Dispatches and their attributes that `payloads` counts, as far as they are named.
    var unsaid: [String] = []
    static let listed = 1_000

    var document: JSONObject {
      var document = JSONObject(
        [
          ("drills", drills), ("not_executed", notExecuted), ("payloads", payloads),
          ("rejected_requests", rejected), ("retired_programs", retiredPrograms),
          ("without_targets", withoutTargets),
        ].map { .init(key: $0.0, value: .string(String($0.1))) })
      if !unsaid.isEmpty { document["payloads_of"] = .array(unsaid.map { .string($0) }) }
      return document
    }
  }

  /// - Parameter scratch: Where bytes wait that are too many for memory.
  package init(_ scope: ExportScope, scratch: @escaping Scratch) {
    self.scope = scope
    self.scratch = scratch
  }

  /// Writes the files.
  ///
  /// - Returns: What was read, the files, and how much of what was left out, as the manifest has it.
  /// - Throws: `.noEvents` where the history up to the point has none.
  package mutating func write(
    in storage: any Storage, resumes: Bool
  ) throws(ExportError) -> (range: ExportRange, files: [ExportedFile], leftOut: JSONObject) {
    let range = try read()
    let told = chosen()
    var events: [OpenADRText.Text] = []
    for item in told {
      let (text, unsaid) = OpenADRText.event(
        item.dispatch, created: item.dispatch.modifications[0].recordedAt,
        targets: groups[item.dispatch.request.eventType].map(Array.init) ?? [])
      events.append(text)
      leftOut.payloads += Int64(unsaid.count)
      for attribute in unsaid where leftOut.unsaid.count < LeftOut.listed {
        leftOut.unsaid.append("\(item.dispatch.id.text) \(attribute)")
      }
    }
    let named = Set(told.map(\.dispatch.request.programID))
    var defined: [OpenADRText.Text] = []
    for (id, program) in programs.sorted(by: { $0.key < $1.key }) {
      guard program.isTold || named.contains(id) else { continue }
      if program.isRetired, !named.contains(id) {
        leftOut.retiredPrograms += 1
        continue
      }
      defined.append(
        OpenADRText.program(
          program.definition, created: program.created, changed: program.changed))
    }
    var files: [ExportedFile] = []
    for (path, objects) in [("programs.json", defined), ("events.json", events)] {
      let file = try OpenADRFile(path, in: storage, resumes: resumes)
      for object in objects { try file.add(object) }
      files.append(try file.finish())
    }
    var reports = try OpenADRReports(
      of: Set(told.map(\.dispatch.id.text)), by: range.identity, in: storage, resumes: resumes)
    files += try TableExport(scope, scratch: scratch).write(to: &reports).files
    return (range, files, leftOut.document)
  }

  /// The dispatches that OpenADR can tell of.
  private mutating func chosen() -> [Called] {
    var told: [Called] = []
    for id in order {
      guard let item = called[id], item.isTold else { continue }
      if item.dispatch.request.isTest {
        leftOut.drills += 1
      } else if item.waits {
        leftOut.notExecuted += 1
      } else if groups[item.dispatch.request.eventType].map({ Array($0).isEmpty }) ?? true {
        leftOut.withoutTargets += 1
      } else {
        told.append(item)
      }
    }
    return told
  }

  private mutating func read() throws(ExportError) -> ExportRange {
    var reader = EnvelopeReader()
    let decoder = EventDecoder()
    var state = self
    let found = try scope.forEach { (stored, isTold) throws(ExportError) in
      // Most of a log is of other types, which needn't be decoded whole.
      if let view = unsafe reader.read(stored.line.span.bytes),
        !Self.concerns(stored.line[view.type])
      {
        return
      }
      let event: Event
      do throws(EventError) { event = try decoder.event(of: stored.line) } catch {
        throw .audit(.unreadableEvent(stored.id, error))
      }
      state.take(event, isTold: isTold)
    }
    self = state
    guard let range = scope.range(of: found) else { throw .noEvents }
    return range
  }

  private static let nouns = ["dispatch.", "program.", "market-event-type."].map { Array($0.utf8) }

  private static func concerns(_ type: ArraySlice<UInt8>) -> Bool {
    nouns.contains { type.starts(with: $0) }
  }

  private mutating func take(_ event: Event, isTold: Bool) {
    switch event.payload {
    case .programDefined(let program):
      var item =
        programs[program.id]
        ?? Program(definition: program, created: event.time, changed: event.time)
      item.definition = program
      item.changed = event.time
      item.isRetired = false
      item.isTold = item.isTold || isTold
      programs[program.id] = item
    case .programRetired(let retired): programs[retired.id]?.isRetired = true
    case .marketEventTypeDefined(let type): groups[event.id] = type.userGroupIDs
    case .dispatchRequested(let request):
      order.append(request.dispatchID)
      called[request.dispatchID] = Called(
        dispatch: Dispatch(request, by: event.id, at: event.time), isTold: isTold)
    case .dispatchRejected(let rejected):
      if isTold, rejected.command == .request { leftOut.rejected += 1 }
    case .dispatchScheduled(let scheduled): called[scheduled.dispatchID]?.waits = true
    case .dispatchTriggered(let triggered): called[triggered.dispatchID]?.waits = false
    case .dispatchModified(let change): add(.modify(change), change.dispatchID, event, isTold)
    case .dispatchCancelled(let change): add(.cancel(change), change.dispatchID, event, isTold)
    case .dispatchEnded(let change): add(.end(change), change.dispatchID, event, isTold)
    default: break
    }
  }

  private mutating func add(
    _ change: DispatchChange, _ id: EntityID, _ event: Event, _ isTold: Bool
  ) {
    called[id]?.dispatch.add(
      Modification(event: event.id, recordedAt: event.time, change: change))
    if isTold { called[id]?.isTold = true }
  }
}

/// A JSON array on its way to a file, an object a line.
private final class OpenADRFile {
  private let file: ExportFile
  private var isEmpty = true

  init(_ path: String, in storage: any Storage, resumes: Bool) throws(ExportError) {
    file = try ExportFile(path, in: storage, resumes: resumes)
    file.count(0)
  }

  func add(_ object: OpenADRText.Text) throws(ExportError) {
    try begin()
    try file.write(object)
    file.countRow()
  }

  /// Writes what stands before an object.
  func begin() throws(ExportError) {
    try file.write(Array((isEmpty ? "[\n" : ",\n").utf8))
    isEmpty = false
  }

  func finish() throws(ExportError) -> ExportedFile {
    try file.write(Array((isEmpty ? "[]\n" : "\n]\n").utf8))
    return try file.finish()
  }
}

/// Makes a report of the recipients that one event names, and how they stand.
private struct OpenADRReports: ExportSink {
  private let file: OpenADRFile
  private let dispatches: Set<String>
  private let identity: LedgerIdentity
  /// The event whose recipients are gathered, and its dispatch and modification.
  private var event: Int64?
  private var head: (dispatch: String, modification: Int64) = ("", 0)
  private var resources: [OpenADRText.Text] = []
  private var row = ExportRow()

  init(
    of dispatches: Set<String>, by identity: LedgerIdentity, in storage: any Storage, resumes: Bool
  ) throws(ExportError) {
    self.dispatches = dispatches
    self.identity = identity
    file = try OpenADRFile("reports.json", in: storage, resumes: resumes)
  }

  var maker: RowKeeper { RowKeeper([.recipients]) }

  mutating func take(_ made: ArraySlice<UInt8>, of table: ExportTable) throws(ExportError) {
    row.read(made)
    guard table.number == ExportTable.recipients.number,
      case .boolean(true) = row[.recipients, "recipient"],
      case .integer(let event) = row[.recipients, "event"],
      let dispatch = row.text(.recipients, "dispatch_id"), dispatches.contains(dispatch),
      case .integer(let modification) = row[.recipients, "modification"],
      let user = row.text(.recipients, "user_id")
    else { return }
    if event != self.event {
      try end()
      self.event = event
      head = (dispatch, modification)
    }
    var payloads: [OpenADRText.Text] = []
    for (type, column) in [("LEDGER_NOTICE", "state"), ("LEDGER_VERDICT", "verdict")] {
      if let word = row.text(.recipients, column) {
        payloads.append(OpenADRText.values(type, [OpenADRText.text(word)]))
      }
    }
    if case .instant(let told) = row[.recipients, "told_at"] {
      payloads.append(OpenADRText.values("LEDGER_TOLD_AT", [OpenADRText.text(told.text)]))
    }
    let interval = OpenADRText.object([
      "id": Array("0".utf8), "payloads": OpenADRText.array(payloads),
    ])
    resources.append(
      OpenADRText.object([
        "intervals": OpenADRText.array([interval]), "resourceName": OpenADRText.text(user),
      ]))
  }

  private mutating func end() throws(ExportError) {
    guard let event else { return }
    try file.add(
      OpenADRText.object([
        "clientName": OpenADRText.text(identity.origin),
        "eventID": OpenADRText.text(head.dispatch),
        "reportName": OpenADRText.text("modification \(head.modification), event \(event)"),
        "resources": OpenADRText.array(resources),
      ]))
    resources = []
  }

  mutating func finish(_ range: ExportRange) throws(ExportError) -> [ExportedFile] {
    try end()
    return [try file.finish()]
  }
}

extension ExportRow {
  /// The cell in a column of the table that the row is of.
  fileprivate subscript(table: ExportTable, name: String) -> Cell {
    table.columns.firstIndex { $0.name == name }.map { cells[$0] } ?? .null
  }

  fileprivate func text(_ table: ExportTable, _ name: String) -> String? {
    guard case .text(let range) = self[table, name] else { return nil }
    return String(decoding: texts[range], as: UTF8.self)
  }
}
