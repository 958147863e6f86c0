package import Bytes

/// Makes the data of an older version of a type into that of the next one.
package struct Upcaster: Sendable {
  /// The type without its version: `program.defined`.
  package let name: String
  /// The version that it takes; what it makes is the next one.
  package let version: Int
  package let upcast: @Sendable (JSONObject) -> JSONObject

  package init(
    name: String, version: Int, upcast: @escaping @Sendable (JSONObject) -> JSONObject
  ) {
    self.name = name
    self.version = version
    self.upcast = upcast
  }
}

/// The ways from every older version of a type to the current one; stored bytes never change.
package struct Upcasters: Sendable {
  /// Those of this release: every type is still in its first version.
  package static let shipped = Upcasters([])

  private let steps: [Upcaster]

  package init(_ steps: [Upcaster]) { self.steps = steps }

  /// The current type and its data.
  ///
  /// - Throws: `.unknownType`, or `.unknownVersion` where no steps lead to the current one.
  func current(
    type: String, data: JSONObject, id: EventID
  ) throws(EventError) -> (EventType, JSONObject) {
    if let known = EventType(rawValue: type) { return (known, data) }
    guard let written = VersionedName(type),
      let known = EventType.allCases.first(where: { sameBytes($0.name, written.name) })
    else { throw .unknownType(type, id: id) }
    let unknown = EventError.unknownVersion(name: known.name, version: written.version, id: id)
    guard written.version < known.version else { throw unknown }
    var data = data
    for version in written.version..<known.version {
      guard
        let step = steps.first(where: { $0.version == version && sameBytes($0.name, known.name) })
      else { throw unknown }
      data = step.upcast(data)
    }
    return (known, data)
  }
}

/// A type as it is written, `<noun>.<past tense>.v<n>`, in its parts.
struct VersionedName {
  let name: String
  let version: Int

  init?(_ text: String) {
    guard let dot = text.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
    let number = text.utf8[text.utf8.index(after: dot)...]
    guard number.first == UInt8(ascii: "v"), let version = Int(String(number.dropFirst()) ?? ""),
      version >= 0, sameBytes("v\(version)", String(number) ?? "")
    else { return nil }
    name = String(text[..<dot])
    self.version = version
  }
}
