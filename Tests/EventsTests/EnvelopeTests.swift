import Bytes
import Events
import Testing

/// The envelope, and what a reader says of a line that it can't read.
struct EnvelopeTests {
  /// An event whose data is small.
  static func event(name: String = "Industrial sites") throws -> Event {
    Event(
      id: 7, time: try #require(Instant(text: "2026-11-23T17:23:59.123456Z".utf8)),
      source: "acme/dr",
      payload: .userGroupDefined(
        UserGroupDefined(id: try #require(EntityID("industrial")), name: name)))
  }

  @Test("A draft becomes an event with all that was said when it was recorded")
  func draft() throws {
    let event = try Self.event()
    let draft = EventDraft(event.payload, causation: 3, correlation: "c-1", decider: 1)
    let recorded = draft.recorded(
      id: 7, time: event.time, source: "acme/dr", actor: "user:ops@host7", clock: event.time,
      idempotencyKey: "k", idempotencyHash: HexDigest(String(repeating: "00", count: 32)))
    #expect(recorded.type == .userGroupDefined)
    #expect(
      String(decoding: recorded.encodeLine(), as: UTF8.self)
        == #"{"actor":"user:ops@host7","causationid":"3","clock":"2026-11-23T17:23:59.123456Z","#
        + #""correlationid":"c-1","data":{"id":"industrial","name":"Industrial sites"},"#
        + #""decider":1,"id":"7","idempotencyhash":"\#(String(repeating: "00", count: 32))","#
        + #""idempotencykey":"k","source":"acme/dr","specversion":"1.0","#
        + #""subject":"user-group/industrial","time":"2026-11-23T17:23:59.123456Z","#
        + #""type":"user-group.defined.v1"}"#)
    #expect(try Event(decoding: recorded.encodeLine()) == recorded)
  }

  @Test("Names that differ only in Unicode's normalization make different events")
  func normalization() throws {
    let composed = try Self.event(name: "caf\u{E9}")
    let decomposed = try Self.event(name: "cafe\u{301}")
    #expect(composed != decomposed)
    #expect(composed.payload != decomposed.payload)
    #expect(try Event(decoding: decomposed.encodeLine()) == decomposed)
  }

  @Test("An unknown type, and an unknown version of a known one, name themselves and their event")
  func unknownTypes() throws {
    let json = try JSON(parsing: try Self.event().encodeLine())
    func refusal(_ type: String) -> EventError? {
      EventsTests.refusal(of: json.replacing([.key("type")], with: .string(type)))
    }
    for type in [
      "", "dispatch.paused.v1", "user-group.defined", "user-group.defined.v", "v1", ".v1",
      "user-group.defined.v01", "user-group.defined.v-1", "user-group.defined.V1",
      "user-group.defined.v99999999999999999999", "User-group.defined.v1",
    ] {
      #expect(refusal(type) == .unknownType(type, id: 7), "\(type)")
    }
    for version in [0, 2, 10] {
      #expect(
        refusal("user-group.defined.v\(version)")
          == .unknownVersion(name: "user-group.defined", version: version, id: 7))
    }
  }

  @Test("An upcaster makes the current data of an older version, step by step")
  func upcasters() throws {
    let old = Upcaster(name: "user-group.defined", version: 0) { data in
      var data = data
      data["name"] = data["title"]
      data["title"] = nil
      return data
    }
    let oldest = Upcaster(name: "user-group.defined", version: -1) { $0 }
    let line = try JSON(parsing: try Self.event().encodeLine())
      .replacing([.key("type")], with: "user-group.defined.v0")
      .replacing([.key("data"), .key("name")], with: nil)
      .replacing([.key("data"), .key("title")], with: "Industrial sites")
      .canonicalBytes
    #expect(try Event(decoding: line, upcasters: Upcasters([oldest, old])) == Self.event())
    let unknown = EventError.unknownVersion(name: "user-group.defined", version: 0, id: 7)
    #expect(throws: unknown) { try Event(decoding: line) }
    #expect(throws: unknown) { try Event(decoding: line, upcasters: Upcasters([oldest])) }
  }

  @Test("Another version of CloudEvents is refused")
  func specVersion() throws {
    let json = try JSON(parsing: try Self.event().encodeLine())
    for version in ["", "1", "1.0.0", "2.0"] {
      #expect(
        refusal(of: json.replacing([.key("specversion")], with: .string(version)))
          == .badValue(path: "specversion", expected: .specVersion))
    }
  }

  @Test("An idempotency key and its hash stand together")
  func idempotency() throws {
    let json = try JSON(parsing: try Self.event().encodeLine())
    let hash = JSON.string(String(repeating: "ab", count: 32))
    #expect(
      refusal(of: json.replacing([.key("idempotencykey")], with: "k"))
        == .missingField(path: "idempotencyhash"))
    #expect(
      refusal(of: json.replacing([.key("idempotencyhash")], with: hash))
        == .missingField(path: "idempotencykey"))
    #expect(
      refusal(
        of: json.replacing([.key("idempotencykey")], with: "k")
          .replacing([.key("idempotencyhash")], with: hash)) == nil)
  }

  @Test("A line in another spelling is refused where it leaves the canonical form")
  func canonicalForm() throws {
    let text = String(decoding: try Self.event().encodeLine(), as: UTF8.self)
    let body = text.dropFirst()
    #expect(refusal(of: Array("{ \(body)".utf8)) == .notCanonical(offset: 1))
    #expect(refusal(of: Array("\(text) ".utf8)) == .notCanonical(offset: text.utf8.count))
    #expect(refusal(of: Array("\(text)\n".utf8)) == .notCanonical(offset: text.utf8.count))
    let escaped = text.replacing("Industrial", with: "\\u0049ndustrial")
    #expect(refusal(of: Array(escaped.utf8)) != nil)
    let moved = #"{"id":"7","# + body.replacing(#""id":"7","#, with: "")
    #expect(refusal(of: Array(moved.utf8)) == .notCanonical(offset: 2))
  }

  @Test("A line that isn't an object of JSON is refused")
  func notObjects() {
    #expect(refusal(of: [UInt8]()) == .notJSON(JSONError(offset: 0, reason: .unexpectedEnd)))
    #expect(refusal(of: Array("[]".utf8)) == .wrongKind(path: "", expected: .object))
    #expect(refusal(of: Array("{}".utf8)) == .missingField(path: "data"))
    let duplicate = Array(#"{"id":"1","id":"2"}"#.utf8)
    #expect(
      refusal(of: duplicate) == .notJSON(JSONError(offset: 10, reason: .duplicateKey("id"))))
  }

  @Test("A line of 65,535 bytes is read, one byte more is refused before anything else")
  func lengths() throws {
    var notes: [JSON] = (0..<3).map { _ in .string(String(repeating: "n", count: 16_384)) }
    let fields = try EventsDocument().exampleFields()
    let line = try #require(fields.first { $0.type == "dispatch.requested.v1" }?.line)
    let steps: [Step] = [.key("data"), .key("attributes"), .key("notes")]
    let empty = try JSON(parsing: line).replacing(steps, with: .array(notes + [""]))
    let rest = Event.lineLimit - empty.canonicalBytes.count
    notes.append(.string(String(repeating: "n", count: rest)))
    let longest = try JSON(parsing: line).replacing(steps, with: .array(notes)).canonicalBytes
    #expect(longest.count == 65_535)
    #expect(refusal(of: longest) == nil)
    #expect(refusal(of: longest + [0x20]) == .tooLong(bytes: 65_536))
  }
}
