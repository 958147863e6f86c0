package import Bytes
package import Events

/// Programs and events of OpenADR 3.1, or of 3.0.1 as 3.1 would say it (`FORMAT.md` §26.2).
package struct OpenADRDocument: Equatable, Sendable {
  package private(set) var programs: [OpenADRProgram] = []
  package private(set) var events: [OpenADREvent] = []

  /// The most objects of one text.
  static let objectLimit = 65_536

  /// Parses one object, or an array of them.
  ///
  /// `null` is absent. Numbers may have fractions.
  package init(parsing bytes: [UInt8]) throws(RequestError) {
    var limits = JSONLimits()
    limits.takesOtherNumbersAsText = true
    // A program's definition is one string.
    limits.stringBytes = 65_536
    let json: JSON
    do { json = try JSON(parsing: bytes, limits: limits) } catch {
      throw RequestError(path: "", problem: .notJSON(error))
    }
    guard case .array(let elements) = json else {
      try take(json, at: "", bytes)
      return
    }
    guard elements.count <= Self.objectLimit else {
      throw RequestError(
        path: "",
        problem: .badValue(
          found: "\(elements.count) entries", expected: .entries(limit: Self.objectLimit)))
    }
    let ranges = elementRanges(ofArray: bytes)
    for (index, element) in elements.enumerated() {
      try take(element, at: "[\(index)]", Array(bytes[ranges[index]]))
    }
    try refuseRepeated(programs.map { ($0.id, $0.path) })
    try refuseRepeated(events.map { ($0.id, $0.path) })
  }

  private mutating func take(
    _ json: JSON, at path: String, _ bytes: [UInt8]
  ) throws(RequestError) {
    let reading = try FieldReading(json.withoutNulls, at: path)
    var original = String(decoding: bytes, as: UTF8.self)[...]
    while let last = original.unicodeScalars.last, " \t\r\n".unicodeScalars.contains(last) {
      original.unicodeScalars.removeLast()
    }
    while let first = original.unicodeScalars.first, " \t\r\n".unicodeScalars.contains(first) {
      original.unicodeScalars.removeFirst()
    }
    // Not every VTN says the type of its events.
    switch try reading.optionalString("objectType") {
    case "EVENT"?: events.append(try OpenADREvent(reading, String(original)))
    case "PROGRAM"?: programs.append(try OpenADRProgram(reading, String(original)))
    case nil where reading.object["programName"] != nil:
      programs.append(try OpenADRProgram(reading, String(original)))
    case nil: events.append(try OpenADREvent(reading, String(original)))
    case let other?:
      throw reading.failure(
        "objectType", .badValue(found: other, expected: .oneOf(["PROGRAM", "EVENT"])))
    }
  }

  private func refuseRepeated(
    _ things: [(id: EntityID, path: String)]
  ) throws(RequestError) {
    var seen: [EntityID: String] = [:]
    for (id, path) in things {
      if let first = seen.updateValue(path, forKey: id) {
        throw RequestError(path: path, problem: .duplicate(first: first))
      }
    }
  }
}

/// A program of OpenADR.
package struct OpenADRProgram: Equatable, Sendable {
  package let id: EntityID
  package let name: String
  /// What an export of a ledger says of it: an entry of a catalogue.
  package let definition: JSONObject?
  /// The object as it was given, to the byte.
  package let original: String
  /// Where it stands in the text.
  package let path: String

  init(_ reading: FieldReading, _ original: String) throws(RequestError) {
    self.original = original
    path = reading.path
    let short = try reading.printable("programName", limit: 512)
    id = try reading.objectID(orIn: "programName")
    var name = try reading.optionalString("programLongName")
    var definition: JSONObject?
    for (json, path) in try reading.optionalList("attributes", limit: 1_024) ?? [] {
      let attribute = try FieldReading(json, at: path)
      let type = try attribute.string("type")
      guard type == OpenADR.longName || type == OpenADR.definition else { continue }
      let values = try attribute.optionalList("values", limit: 1) ?? []
      guard let value = values.first else { throw attribute.failure("values", .missing) }
      let text = try FieldReading.string(value.json, at: value.path)
      if type == OpenADR.longName {
        name = text
      } else {
        do throws(RequestError) { definition = try JSON.document(Array(text.utf8)) } catch {
          throw error.within(value.path)
        }
        let read = FieldReading(definition ?? JSONObject(), at: value.path)
        guard try read.id("id") == id else {
          throw read.failure("id", .contradicts(other: reading.path(of: "id")))
        }
      }
    }
    self.name = name ?? short
    self.definition = definition
  }

  /// The program as a catalogue defines it.
  ///
  /// - Parameters:
  ///   - zone: Its time zone, where the program itself doesn't say all.
  ///   - channels: Likewise the channels that it notifies on.
  package func entry(
    zone: String?, channels: [String]
  ) throws(RequestError) -> JSONObject {
    var entry = definition ?? JSONObject()
    if definition == nil {
      guard let zone, !channels.isEmpty else {
        throw RequestError(
          path: path,
          problem: .badValue(
            found: id.text,
            expected: .described(
              "a program of the ledger already, or --time-zone and --channels be given: OpenADR "
                + "says neither")))
      }
      entry["id"] = .string(id.text)
      entry["name"] = .string(name)
      entry["time_zone"] = .string(zone)
      entry["communication_codes"] = .array(channels.map { .string($0) })
      entry["attributes"] = ["openadr": ["original": .string(original)]]
    }
    do throws(RequestError) {
      _ = try CatalogueDocument(["programs": [.object(entry)]])
    } catch {
      throw RequestError(path: joinPath(path, error.path), problem: error.problem)
    }
    return entry
  }
}

extension JSON {
  /// The same without the members of objects that are `null`.
  fileprivate var withoutNulls: JSON {
    switch self {
    case .null, .bool, .integer, .string: self
    case .array(let elements): .array(elements.map(\.withoutNulls))
    case .object(let object):
      .object(
        JSONObject(
          object.members.filter { $0.value != .null }
            .map { .init(key: $0.key, value: $0.value.withoutNulls) }))
    }
  }
}

extension FieldReading {
  /// The id that the VTN gave the object, or else the name that it goes by.
  func objectID(orIn name: String) throws(RequestError) -> EntityID {
    try object["id"] == nil && object[name] != nil ? id(name) : id("id")
  }
}

/// Where the elements of an array stand in a text that is one; it was parsed before.
func elementRanges(ofArray bytes: [UInt8]) -> [Range<Int>] {
  var ranges: [Range<Int>] = []
  var (depth, start, isInString, isEscaped) = (0, 0, false, false)
  for (index, byte) in bytes.enumerated() {
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else {
        isInString = byte != UInt8(ascii: "\"")
      }
      continue
    }
    switch byte {
    case UInt8(ascii: "\""): isInString = true
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      depth += 1
      if depth == 1 { start = index + 1 }
    case UInt8(ascii: "]"), UInt8(ascii: "}"):
      depth -= 1
      if depth == 0 { ranges.append(start..<index) }
    case UInt8(ascii: ",") where depth == 1:
      ranges.append(start..<index)
      start = index + 1
    default: break
    }
  }
  return ranges
}
