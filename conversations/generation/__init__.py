"""The engine: one supervised asyncio task per running answer, outside of request and socket."""
