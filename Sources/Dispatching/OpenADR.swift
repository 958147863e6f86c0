package import Bytes
import Events

/// The words that the ledger and OpenADR 3 have in common (`FORMAT.md` §26).
package enum OpenADR {
  /// The attribute of a program that holds its definition in the ledger, as a JSON text.
  package static let definition = "LEDGER_PROGRAM"
  /// The attribute of a program that holds its name for people.
  package static let longName = "PROGRAM_LONG_NAME"
  /// The duration that means: without an end.
  package static let openEnd = "P9999Y"
  /// The most characters of most texts.
  package static let textLimit = 128

  /// A payload of an event that an attribute of a dispatch says the same as.
  package enum Payload: String, CaseIterable, Sendable {
    case setpoint = "DISPATCH_SETPOINT"
    case relativeSetpoint = "DISPATCH_SETPOINT_RELATIVE"
    case level = "SIMPLE"
    case instruction = "DISPATCH_INSTRUCTION"

    /// The attribute's name.
    package var attribute: String {
      switch self {
      case .setpoint: "setpoint_kw"
      case .relativeSetpoint: "setpoint_relative_kw"
      case .level: "simple_level"
      case .instruction: "instruction"
      }
    }

    /// The only unit that the value is understood in; `nil`: it has none.
    package var units: String? {
      switch self {
      case .setpoint, .relativeSetpoint: "KW"
      case .level, .instruction: nil
      }
    }

    /// The values of a payload that says what the attribute says, each as JSON text; `nil` where
    /// none can.
    package func values(of attribute: JSON) -> [[UInt8]]? {
      switch (self, attribute) {
      case (.setpoint, .integer(let number)), (.relativeSetpoint, .integer(let number)):
        return number < 0 ? nil : [attribute.canonicalBytes]
      case (.setpoint, .string(let text)), (.relativeSetpoint, .string(let text)):
        // A decimal is spelled as JSON spells a number.
        guard DecimalText(text) != nil, !text.utf8.starts(with: "-".utf8) else { return nil }
        return [Array(text.utf8)]
      case (.level, .integer(let level)):
        return (0...3).contains(level) ? [attribute.canonicalBytes] : nil
      case (.instruction, .string(let text)):
        guard (1...OpenADR.textLimit).contains(text.unicodeScalars.count) else { return nil }
        return [attribute.canonicalBytes]
      case (.instruction, .array(let texts)):
        let spelled = texts.compactMap { (text) -> [UInt8]? in
          guard case .string = text else { return nil }
          return self.values(of: text)?.first
        }
        return spelled.isEmpty || spelled.count < texts.count ? nil : spelled
      default: return nil
      }
    }

    /// What the attribute of these values is; `nil` where there is none.
    ///
    /// - Parameter unit: What the event's descriptor of the payload says, if anything.
    func attribute(of values: [JSON], unit: String?) -> JSON? {
      if let units, unit.map({ !sameBytes($0, units) }) ?? true { return nil }
      guard let first = values.first, values.count == 1 || self == .instruction else { return nil }
      switch (self, first) {
      case (.setpoint, .integer), (.relativeSetpoint, .integer): return first
      case (.setpoint, .string(let text)), (.relativeSetpoint, .string(let text)):
        return DecimalText(text) == nil ? nil : first
      default:
        let value: JSON = values.count == 1 ? first : .array(values)
        return self.values(of: value) == nil ? nil : value
      }
    }
  }
}
