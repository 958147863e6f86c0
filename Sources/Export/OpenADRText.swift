import Bytes
import Dispatching
import Events

/// Spells objects of OpenADR 3.1 (`FORMAT.md` §26): their keys ascend, and what has nothing to say is
/// left out, never `null`.
enum OpenADRText {
  /// A JSON text: numbers may have fractions, which ``JSON`` hasn't.
  typealias Text = [UInt8]

  static func text(_ string: String) -> Text { JSON.string(string).canonicalBytes }

  /// An object of those members that are there.
  static func object(_ members: KeyValuePairs<String, Text?>) -> Text {
    var bytes = [UInt8(ascii: "{")]
    for (key, value) in members {
      guard let value else { continue }
      if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
      bytes += text(key)
      bytes.append(UInt8(ascii: ":"))
      bytes += value
    }
    return bytes + [UInt8(ascii: "}")]
  }

  static func array(_ elements: [Text]) -> Text {
    Array("[".utf8) + elements.joined(separator: Array(",".utf8)) + Array("]".utf8)
  }

  static func values(_ type: String, _ values: [Text]) -> Text {
    object(["type": text(type), "values": array(values)])
  }

  static func program(_ program: ProgramDefined, created: Instant, changed: Instant) -> Text {
    var attributes: [Text] = []
    if program.name.unicodeScalars.count <= OpenADR.textLimit {
      attributes.append(values(OpenADR.longName, [text(program.name)]))
    }
    let definition = String(decoding: program.canonicalBytes, as: UTF8.self)
    attributes.append(values(OpenADR.definition, [text(definition)]))
    return object([
      "attributes": array(attributes), "createdDateTime": text(created.text),
      "id": text(program.id.text), "modificationDateTime": text(changed.text),
      "objectType": text("PROGRAM"), "programName": text(program.id.text),
    ])
  }

  /// An event, and the attributes that have a payload but a value that it can't say.
  static func event(
    _ dispatch: Dispatch, created: Instant, targets: [EntityID]
  ) -> (text: Text, unsaid: [String]) {
    var (payloads, descriptors, unsaid) = ([] as [Text], [] as [Text], [] as [String])
    for payload in OpenADR.Payload.allCases {
      guard let attribute = dispatch.attributes?[payload.attribute] else { continue }
      guard let said = payload.values(of: attribute) else {
        unsaid.append(payload.attribute)
        continue
      }
      payloads.append(values(payload.rawValue, said))
      guard let units = payload.units else { continue }
      descriptors.append(
        object([
          "objectType": text("EVENT_PAYLOAD_DESCRIPTOR"), "payloadType": text(payload.rawValue),
          "units": text(units),
        ]))
    }
    let interval = object(["id": Array("0".utf8), "payloads": array(payloads)])
    let event = object([
      "createdDateTime": text(created.text), "eventName": text(dispatch.id.text),
      "id": text(dispatch.id.text), "intervalPeriod": period(of: dispatch),
      "intervals": payloads.isEmpty ? nil : array([interval]),
      "modificationDateTime": text((dispatch.modifications.last?.recordedAt ?? created).text),
      "objectType": text("EVENT"),
      "payloadDescriptors": descriptors.isEmpty ? nil : array(descriptors),
      "programID": text(dispatch.request.programID.text),
      "targets": array(targets.map { text($0.text) }),
    ])
    return (event, unsaid)
  }

  private static func period(of dispatch: Dispatch) -> Text {
    if dispatch.isCancelled {
      return object(["duration": text("PT0S"), "start": text("0001-01-01T00:00:00Z")])
    }
    let start = dispatch.start.instant
    let length = dispatch.end.map { duration(from: start, to: $0.instant) } ?? OpenADR.openEnd
    return object(["duration": text(length), "start": text(start.text)])
  }

  /// Hours, minutes and seconds: a day isn't always 24 hours long to everybody.
  private static func duration(from start: Instant, to end: Instant) -> String {
    let (seconds, rest) = floorDivide(end.microseconds - start.microseconds, 1_000_000)
    var text = "PT"
    if seconds >= 3_600 { text += "\(seconds / 3_600)H" }
    if seconds / 60 % 60 > 0 { text += "\(seconds / 60 % 60)M" }
    if rest > 0 {
      text += "\(seconds % 60).\(padded(rest, 6))S"
    } else if seconds % 60 > 0 {
      text += "\(seconds % 60)S"
    }
    return text
  }
}
