package import Bytes
import Events

/// What somebody asks the ledger to do: parsed and well formed, but not yet decided.
package enum Command: Equatable, Sendable {
  case importCatalogue(CatalogueDocument)
  case dispatch(DispatchRequest)
  case end(DispatchChangeRequest)
  case cancel(DispatchChangeRequest)
  case modify(ModifyRequest)
  case acknowledge(AcknowledgeRequest)
  case opt(OptRequest)
  case enrollment(EnrollmentRequest)
  case erase(EraseRequest)
  case retire(RetireRequest)
  case settle(SettleRequest)
  case correct(CorrectRequest)
  case result(ResultReport)
  case observe(SignalReport)
  case placeHold(HoldRequest)
  case releaseHold(HoldReleaseRequest)
}

extension Command {
  private static let names = [
    "import", "dispatch", "end", "cancel", "modify", "acknowledge", "opt-out", "opt-in", "enroll",
    "withdraw", "erase", "retire", "settle", "correct", "result", "observe", "hold-place",
    "hold-release",
  ]

  /// Parses one line of what `append` takes.
  package init(parsing line: [UInt8]) throws(RequestError) {
    try self.init(try JSON.document(line))
  }

  /// Takes the object that such a line is.
  package init(_ object: JSONObject) throws(RequestError) {
    let reading = FieldReading(object, at: "")
    let name = try reading.string("command")
    switch name {
    case "import":
      try reading.allowOnly(["command", "catalogue"])
      let catalogue = try FieldReading(try reading.json("catalogue"), at: "catalogue")
      self = .importCatalogue(
        try Self.part("catalogue") { () throws(RequestError) in
          try CatalogueDocument(catalogue.object)
        })
    case "dispatch":
      try reading.allowOnly(["command", "request"])
      let request = try FieldReading(try reading.json("request"), at: "request")
      self = .dispatch(
        try Self.part("request") { () throws(RequestError) in
          try DispatchRequest(request.object)
        })
    case "end", "cancel":
      try reading.allowOnly(["command", "dispatch_id", "reason"])
      let change = try DispatchChangeRequest(
        dispatchID: try reading.id("dispatch_id"), reason: try reading.string("reason"))
      self = name == "end" ? .end(change) : .cancel(change)
    case "modify":
      self = .modify(try ModifyRequest(try reading.command(of: ModifyRequest.fields)))
    case "acknowledge":
      self = .acknowledge(
        try AcknowledgeRequest(try reading.command(of: AcknowledgeRequest.fields)))
    case "opt-out", "opt-in":
      self = .opt(
        try OptRequest(try reading.command(of: OptRequest.fields), isOut: name == "opt-out"))
    case "enroll", "withdraw":
      self = .enrollment(
        try EnrollmentRequest(
          try reading.command(of: EnrollmentRequest.fields), enrolls: name == "enroll"))
    case "erase": self = .erase(try EraseRequest(try reading.command(of: EraseRequest.fields)))
    case "retire": self = .retire(try RetireRequest(try reading.command(of: RetireRequest.fields)))
    case "settle": self = .settle(try SettleRequest(try reading.command(of: SettleRequest.fields)))
    case "correct":
      self = .correct(try CorrectRequest(try reading.command(of: CorrectRequest.fields)))
    case "result": self = .result(try ResultReport(try reading.command(of: ResultReport.fields)))
    case "observe": self = .observe(try SignalReport(reading.object))
    case "hold-place":
      self = .placeHold(try HoldRequest(try reading.command(of: HoldRequest.fields)))
    case "hold-release":
      self = .releaseHold(
        try HoldReleaseRequest(try reading.command(of: HoldReleaseRequest.fields)))
    default:
      throw reading.failure("command", .badValue(found: name, expected: .oneOf(Self.names)))
    }
  }

  private static func part<Value>(
    _ path: String, _ parse: () throws(RequestError) -> Value
  ) throws(RequestError) -> Value {
    do { return try parse() } catch { throw error.within(path) }
  }

  /// The command as `append` takes it, with what was typed and no defaults filled in.
  package var document: JSONObject {
    var (name, document) = parts
    document["command"] = .string(name)
    return document
  }

  private var parts: (name: String, fields: JSONObject) {
    switch self {
    case .importCatalogue(let catalogue):
      ("import", JSONObject([.init(key: "catalogue", value: .object(catalogue.document))]))
    case .dispatch(let request):
      ("dispatch", JSONObject([.init(key: "request", value: .object(request.document))]))
    case .end(let change): ("end", change.document)
    case .cancel(let change): ("cancel", change.document)
    case .modify(let request): ("modify", request.document)
    case .acknowledge(let request): ("acknowledge", request.document)
    case .opt(let request): (request.isOut ? "opt-out" : "opt-in", request.document)
    case .enrollment(let request): (request.enrolls ? "enroll" : "withdraw", request.document)
    case .erase(let request): ("erase", request.document)
    case .retire(let request): ("retire", request.document)
    case .settle(let request): ("settle", request.document)
    case .correct(let request): ("correct", request.document)
    case .result(let report): ("result", report.document)
    case .observe(let report): ("observe", report.document)
    case .placeHold(let request): ("hold-place", request.document)
    case .releaseHold(let request): ("hold-release", request.document)
    }
  }

  /// The bytes that tell one call from another under one idempotency key: all its commands, before
  /// any id or time is given, as one canonical JSON array.
  package static func canonicalBytes(of commands: [Command]) -> [UInt8] {
    canonicalBytes(count: commands.count) { commands[$0] }
  }

  /// The same of so many commands, each of which is made and let go in its turn.
  package static func canonicalBytes<Failure: Error>(
    count: Int, of command: (Int) throws(Failure) -> Command
  ) throws(Failure) -> [UInt8] {
    var bytes = [UInt8(ascii: "[")]
    for index in 0..<count {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      try command(index).document.appendCanonical(to: &bytes)
    }
    bytes.append(UInt8(ascii: "]"))
    return bytes
  }
}

extension FieldReading {
  /// What a command needs to know: no other fields than these, and its name left out.
  fileprivate func command(of fields: [String]) throws(RequestError) -> FieldReading {
    try allowOnly(["command"] + fields)
    var rest = object
    rest["command"] = nil
    return FieldReading(rest, at: path)
  }
}
