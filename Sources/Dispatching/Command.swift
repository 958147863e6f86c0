package import Bytes
package import Events

/// What somebody asks the ledger to do: parsed and well formed, but not yet decided.
package enum Command: Equatable, Sendable {
  case importCatalogue(CatalogueDocument)
  case dispatch(DispatchRequest)
  case end(DispatchChangeRequest)
  case cancel(DispatchChangeRequest)
  case observe(SignalReport)
}

/// What `end` and `cancel` need to know.
package struct DispatchChangeRequest: Equatable, Sendable {
  package let dispatchID: EntityID
  /// Printable text of 1 to 1,024 bytes; it is recorded, so it names no person.
  package let reason: String

  package static let reasonLimit = 1_024

  package init(dispatchID: EntityID, reason: String) throws(RequestError) {
    guard isPrintable(reason, limit: Self.reasonLimit) else {
      throw RequestError(
        path: "reason",
        problem: .badValue(found: reason, expected: .text(limit: Self.reasonLimit)))
    }
    self.dispatchID = dispatchID
    self.reason = reason
  }

  /// The change as it was given.
  package var document: JSONObject {
    JSONObject([
      .init(key: "dispatch_id", value: .string(dispatchID.text)),
      .init(key: "reason", value: .string(reason)),
    ])
  }
}

extension Command {
  private static let names = ["import", "dispatch", "end", "cancel", "observe"]

  /// Parses one line of what `append` takes.
  package init(parsing line: [UInt8]) throws(RequestError) {
    let reading = FieldReading(try JSON.document(line), at: "")
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
    case "observe": self = .observe(try SignalReport(reading.object))
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
    var document: JSONObject
    switch self {
    case .importCatalogue(let catalogue):
      document = JSONObject([.init(key: "catalogue", value: .object(catalogue.document))])
      document["command"] = "import"
    case .dispatch(let request):
      document = JSONObject([.init(key: "request", value: .object(request.document))])
      document["command"] = "dispatch"
    case .end(let change):
      document = change.document
      document["command"] = "end"
    case .cancel(let change):
      document = change.document
      document["command"] = "cancel"
    case .observe(let report):
      document = report.document
      document["command"] = "observe"
    }
    return document
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
