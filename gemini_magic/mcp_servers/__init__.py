"""MCP servers: programs and addresses whose tools the model may call, by the official package ``mcp``.

A file that others wrote starts nothing and connects to nothing before the user has seen its servers, and no description of a tool
reaches the model before the user has read it.
"""

from __future__ import annotations

from .connection import McpServerError, ServerTool, ToolFailed
from .entries import ServerEntry, expand_entry, read_entries, server_table
from .pins import (
    ToolState,
    added_paths,
    approval_code,
    approve_tools,
    describe_tool,
    forget_tools,
    remember_paths,
    tool_states,
)
from .remote import with_remote_servers
from .server_files import (
    MCP_FILES,
    ListedServer,
    describe_file,
    file_code,
    known_servers,
    own_file,
    trust_file,
)
from .servers import (
    McpServers,
    UnapprovedTools,
    mcp_servers,
    offered_by_servers,
    offered_name,
)

__all__ = [
    "MCP_FILES",
    "ListedServer",
    "McpServerError",
    "McpServers",
    "ServerEntry",
    "ServerTool",
    "ToolFailed",
    "ToolState",
    "UnapprovedTools",
    "added_paths",
    "approval_code",
    "approve_tools",
    "describe_file",
    "describe_tool",
    "expand_entry",
    "file_code",
    "forget_tools",
    "known_servers",
    "mcp_servers",
    "offered_by_servers",
    "offered_name",
    "own_file",
    "read_entries",
    "remember_paths",
    "server_table",
    "tool_states",
    "trust_file",
    "with_remote_servers",
]
