import Bytes
import Events
import Testing

struct ExampleTests {
  @Test("Every type's example in the document decodes, and encodes to the same bytes")
  func examples() throws {
    let types = try EventsDocument().types
    #expect(types.map(\.title) == EventType.allCases.map(\.rawValue))
    for section in types {
      let line = try #require(section.example)
      let event = try Event(decoding: line)
      #expect(event.type.rawValue == section.title)
      #expect(
        String(decoding: event.encodeLine(), as: UTF8.self) == String(decoding: line, as: UTF8.self)
      )
    }
  }
}
