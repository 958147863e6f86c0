package import Bytes
package import Events

/// An event of OpenADR, as far as a dispatch can say the same.
package struct OpenADREvent: Equatable, Sendable {
  package let id: EntityID
  package let name: String?
  package let programID: EntityID
  /// Whom it is for, by name, ascending; empty: nobody in particular.
  package let targets: [String]
  /// Whether `targets` are all names of groups, as far as the event tells.
  package let areGroups: Bool
  package let window: Window
  /// The attributes that its payloads become.
  package let attributes: JSONObject
  /// The fields that no part of a dispatch says the same as.
  package let unmapped: [String]
  /// The object as it was given, to the byte.
  package let original: String
  /// Where it stands in the text.
  package let path: String

  /// When it is.
  package enum Window: Hashable, Sendable {
    /// Never, or not any more: it begins in the year 1 and lasts no time.
    case cancelled
    /// From a time, as typed, until an instant or, where there is none, without an end.
    case from(String, at: Instant, until: Instant?)
  }

  /// What is understood, or says nothing that a dispatch would have to say.
  private static let known = [
    "id", "createdDateTime", "modificationDateTime", "objectType", "programID", "eventName",
    "targets", "intervalPeriod", "intervals", "duration", "payloadDescriptors",
  ]

  init(_ reading: FieldReading, _ original: String) throws(RequestError) {
    self.original = original
    path = reading.path
    let limit = JSONLimits.standardStringBytes
    guard original.utf8.count <= limit else {
      throw RequestError(
        path: path, problem: .tooLarge(bytes: original.utf8.count, limit: limit))
    }
    programID = try reading.id("programID")
    id = try reading.objectID(orIn: "eventName")
    name = try reading.optionalString("eventName")
    (targets, areGroups) = try Self.targets(of: reading)
    let intervals = try reading.optionalList("intervals", limit: 1_024) ?? []
    guard intervals.count <= 1 else {
      throw reading.failure(
        "intervals",
        .badValue(
          found: "\(intervals.count) entries",
          expected: .described("one interval: a dispatch says the same all the time")))
    }
    let interval = try intervals.first.map { (json, path) throws(RequestError) in
      try FieldReading(json, at: path)
    }
    window = try Self.window(of: reading, interval)
    var unmapped = reading.object.members.map(\.key).filter { !Self.known.contains($0) }
      .map { reading.path(of: shownKey($0)) }
    attributes = try Self.attributes(of: interval, in: reading, &unmapped)
    self.unmapped = unmapped
  }

  /// The request that it comes to.
  ///
  /// - Parameter eventType: The market event type to call.
  package func request(of eventType: EntityID) throws(RequestError) -> DispatchRequest {
    guard case .from(let start, _, let end) = window else {
      throw RequestError(path: path, problem: .missing)
    }
    var origin: JSONObject = ["event_id": .string(id.text), "original": .string(original)]
    origin["event_name"] = name.map { .string($0) }
    var attributes = attributes
    attributes["openadr"] = .object(origin)
    var request: JSONObject = [
      "attributes": .object(attributes), "event_type_id": .string(eventType.text),
      "program_id": .string(programID.text), "start_time": .string(start),
    ]
    request["end_time"] = end.map { .string($0.text) }
    do { return try DispatchRequest(request) } catch { throw error.within(path) }
  }

  /// The event that a dispatch was made from, to the byte, as its attributes have it.
  package static func original(in attributes: JSONObject?) -> String? {
    guard case .object(let origin)? = attributes?["openadr"],
      case .string(let original)? = origin["original"]
    else { return nil }
    return original
  }

  // MARK: - Whom

  /// 3.0.1 has `{"type":…,"values":[…]}` for each kind of target, 3.1 has plain names.
  private static func targets(
    of reading: FieldReading
  ) throws(RequestError) -> (names: [String], areGroups: Bool) {
    var (names, areGroups) = ([] as [String], true)
    for (json, path) in try reading.optionalList("targets", limit: 1_024) ?? [] {
      guard case .object(let object) = json else {
        names.append(try FieldReading.string(json, at: path))
        continue
      }
      let target = FieldReading(object, at: path)
      if try target.string("type") != "GROUP" { areGroups = false }
      for (value, path) in try target.optionalList("values", limit: 1_024) ?? [] {
        names.append(try FieldReading.string(value, at: path))
      }
    }
    var unique: [String] = []
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    where !(unique.last.map { sameBytes($0, name) } ?? false) {
      unique.append(name)
    }
    return (unique, areGroups)
  }

  // MARK: - When

  private static func window(
    of event: FieldReading, _ interval: FieldReading?
  ) throws(RequestError) -> Window {
    let periods = try [interval, event].compactMap { $0 }.map { holder throws(RequestError) in
      try holder.optionalJSON("intervalPeriod").map { json throws(RequestError) in
        try FieldReading(json, at: holder.path(of: "intervalPeriod"))
      }
    }.compactMap(\.self)
    guard let nearest = periods.first else { throw event.failure("intervalPeriod", .missing) }
    guard let startHolder = periods.first(where: { $0.object["start"] != nil }) else {
      throw nearest.failure("start", .missing)
    }
    let lengthHolder =
      event.object["duration"] != nil
      ? event : periods.first { $0.object["duration"] != nil } ?? nearest
    let text = try startHolder.string("start")
    let length = try Length(lengthHolder, "duration")
    for period in periods where period.object["randomizeStart"] != nil {
      guard try Length(period, "randomizeStart") == .microseconds(0) else {
        throw period.failure(
          "randomizeStart",
          .badValue(
            found: try period.string("randomizeStart"),
            expected: .described("absent or PT0S: a dispatch begins for all at one time")))
      }
    }
    if text.utf8.starts(with: "0001-01-01".utf8) {
      guard length == .microseconds(0) else {
        throw startHolder.failure(
          "start",
          .badValue(
            found: text,
            expected: .described("a time: what begins whenever it is read is no dispatch")))
      }
      return .cancelled
    }
    guard let start = Self.time(text) else {
      throw startHolder.failure("start", .badValue(found: text, expected: .instant))
    }
    switch length {
    case .openEnd: return .from(start.text, at: start.instant, until: nil)
    case .microseconds(0):
      throw lengthHolder.failure(
        "duration",
        .badValue(
          found: try lengthHolder.string("duration"),
          expected: .described("longer, or P9999Y: no length may mean an instant or no end")))
    case .microseconds(let count):
      let (end, overflows) = start.instant.microseconds.addingReportingOverflow(count)
      guard !overflows, let end = Instant(microseconds: end) else {
        throw lengthHolder.failure(
          "duration",
          .badValue(found: try lengthHolder.string("duration"), expected: .described("shorter")))
      }
      return .from(start.text, at: start.instant, until: end)
    }
  }

  /// RFC 3339, also with a space where it has a `T`.
  private static func time(_ text: String) -> (text: String, instant: Instant)? {
    var bytes = Array(text.utf8)
    if bytes.count > 10, bytes[10] == UInt8(ascii: " ") { bytes[10] = UInt8(ascii: "T") }
    guard let time = OffsetTime(text: bytes) else { return nil }
    return (String(decoding: bytes, as: UTF8.self), time.instant)
  }

  // MARK: - What

  private static func attributes(
    of interval: FieldReading?, in event: FieldReading, _ unmapped: inout [String]
  ) throws(RequestError) -> JSONObject {
    var attributes = JSONObject()
    guard let interval else { return attributes }
    var units: [String: String] = [:]
    for (json, path) in try event.optionalList("payloadDescriptors", limit: 1_024) ?? [] {
      let descriptor = try FieldReading(json, at: path)
      units[try descriptor.string("payloadType")] = try descriptor.optionalString("units")
    }
    for (json, path) in try interval.optionalList("payloads", limit: 1_024) ?? [] {
      let payload = try FieldReading(json, at: path)
      let type = try payload.string("type")
      let values = try payload.optionalList("values", limit: 1_024) ?? []
      guard let known = OpenADR.Payload(rawValue: type), attributes[known.attribute] == nil,
        let value = known.attribute(of: values.map(\.json), unit: units[type])
      else {
        unmapped.append("\(path) \(shownKey(type))")
        continue
      }
      attributes[known.attribute] = value
    }
    return attributes
  }
}

/// A duration as OpenADR writes it (ISO 8601).
private enum Length: Hashable {
  case openEnd
  case microseconds(Int64)

  /// Years and months are refused, since their length depends on when they begin; but none of them
  /// is as good as nothing.
  init(_ reading: FieldReading, _ key: String) throws(RequestError) {
    let text = try reading.string(key)
    if text == OpenADR.openEnd {
      self = .openEnd
    } else if let count = Self.microseconds(Array(text.utf8)) {
      self = .microseconds(count)
    } else {
      throw reading.failure(
        key,
        .badValue(
          found: text,
          expected: .described(
            "P9999Y, or a duration such as PT1H: weeks, days, hours, minutes, seconds")))
    }
  }

  private static func microseconds(_ text: [UInt8]) -> Int64? {
    guard text.first == UInt8(ascii: "P") else { return nil }
    let parts = text.dropFirst().split(
      separator: UInt8(ascii: "T"), maxSplits: 1, omittingEmptySubsequences: false)
    let clock = parts.count > 1 ? parts[1] : []
    guard !parts[0].isEmpty || !clock.isEmpty, parts.count == 1 || !clock.isEmpty,
      let days = sum(parts[0], [("Y", 0), ("M", 0), ("W", 604_800), ("D", 86_400)]),
      let rest = sum(clock, [("H", 3_600), ("M", 60), ("S", 1)])
    else { return nil }
    return days + rest
  }

  /// The sum of numbers, each before the letter of its unit; a unit of 0 seconds takes only 0.
  private static func sum(
    _ text: ArraySlice<UInt8>, _ units: [(letter: Unicode.Scalar, seconds: Int64)]
  ) -> Int64? {
    var (rest, sum) = (text, 0 as Int64)
    for (letter, seconds) in units {
      let number = rest.prefix { decimalValue($0) != nil || $0 == UInt8(ascii: ".") }
      guard rest.dropFirst(number.count).first == UInt8(ascii: letter) else { continue }
      rest = rest.dropFirst(number.count + 1)
      let halves = number.split(
        separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
      guard (1...9).contains(halves[0].count), letter == "S" || halves.count == 1,
        let whole = Int64(String(decoding: halves[0], as: UTF8.self)), seconds > 0 || whole == 0
      else { return nil }
      sum += whole * seconds * 1_000_000
      guard halves.count > 1 else { continue }
      let digits = halves[1]
      guard (1...6).contains(digits.count), digits.allSatisfy({ decimalValue($0) != nil })
      else { return nil }
      let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: 6 - digits.count)
      sum += Int64(String(decoding: digits + zeros, as: UTF8.self)) ?? 0
    }
    return rest.isEmpty ? sum : nil
  }
}
