package import Bytes
package import Events

/// What somebody saw of a signal: what `observe` and its line of `append` ask to be recorded.
package struct SignalReport: Equatable, Sendable {
  /// A name that conditions can read.
  package let name: EntityID
  package let value: DecimalText
  package let unit: String?
  /// When it was so; absent: when it is recorded.
  package let at: Instant?
  /// The report as it was given.
  package let document: JSONObject

  /// Takes `{"signal":…,"value":"…","unit":…,"at":…}`; a value may be an integer too.
  package init(_ object: JSONObject) throws(RequestError) {
    let reading = FieldReading(object, at: "")
    try reading.allowOnly(["command", "signal", "value", "unit", "at"])
    let signal = try reading.string("signal")
    guard isSignalName(signal), let name = EntityID(signal) else {
      throw reading.failure("signal", .badValue(found: signal, expected: .signalName))
    }
    self.name = name
    let text: String
    switch try reading.json("value") {
    case .integer(let number): text = String(number)
    case let json: text = try FieldReading.string(json, at: "value")
    }
    guard let value = DecimalText(text) else {
      throw reading.failure("value", .badValue(found: text, expected: .decimal))
    }
    self.value = value
    unit = try reading.optionalString("unit")
    if let unit, !isUnit(unit) {
      throw reading.failure("unit", .badValue(found: unit, expected: .unit))
    }
    at = try reading.optionalInstant("at")
    document = object
  }
}

extension Decider {
  /// Decides `observe`: what was seen is recorded, whatever it is.
  func decide(_ report: SignalReport) -> Decision {
    .accepted([
      draft(
        .signalObserved(
          SignalObserved(
            name: report.name, value: report.value, unit: report.unit,
            at: report.at ?? context.now)))
    ])
  }
}
