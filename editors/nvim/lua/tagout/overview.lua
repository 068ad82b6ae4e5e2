--- What is open in each server at the moment, as it told last; whoever shows it listens to `User TagoutChanged`.
local server = require('tagout.server')

local M = {}

local PAUSE = 30 -- milliseconds

--- By client: its overview, the number of the request it came by, what the statusline says, percentages of its jobs.
---@class tagout.Known
---@field overview table?
---@field asked integer
---@field answered integer
---@field line string
---@field percent table<string, integer>
---@field is_due boolean?

---@type table<integer, tagout.Known>
local known = {}
---@type table<integer, integer> buffer to client
local client_of = {}
local group = vim.api.nvim_create_augroup('tagout.overview', {})

--- Without JSON's null, which is `vim.NIL` since Neovim 0.12.
local function without_null(value)
  if value == vim.NIL then return nil end
  if type(value) ~= 'table' then return value end
  local copy = {}
  for key, inner in pairs(value) do
    copy[key] = without_null(inner)
  end
  return copy
end
M.without_null = without_null

local function counted(number, one, many) return ('%d %s'):format(number, number == 1 and one or many) end

--- The workspace of an overview that a file is in: the innermost, else the first.
local function workspace_of(overview, path)
  local best
  for _, workspace in ipairs(overview.workspaces or {}) do
    local inside = vim.fs.relpath(workspace.folder, path) or vim.fs.relpath(workspace.root, path)
    if inside and (not best or #workspace.root > #best.root) then best = workspace end
  end
  return best or (overview.workspaces or {})[1]
end

local function sum(list, field)
  local total = 0
  for _, item in ipairs(list or {}) do
    total = total + (item[field] or 0)
  end
  return total
end

--- The line for the statusline, made when something changes and not when it is drawn.
local function line_of(one)
  local overview = one.overview
  if not overview then return 'tagout' end
  local workspace = (overview.workspaces or {})[1]
  local parts = { workspace and ('tagout ' .. workspace.mode) or 'tagout' }
  if workspace and workspace.trust ~= 'trusted' then table.insert(parts, workspace.trust) end
  local pending, questions = sum(overview.changes, 'pending'), #(overview.questions or {})
  if pending > 0 then table.insert(parts, pending .. ' to review') end
  if questions > 0 then table.insert(parts, counted(questions, 'question', 'questions')) end
  local job = (overview.jobs or {})[1]
  if job then
    local percent = one.percent[tostring(job.job)]
    local title = vim.fn.strcharpart(job.title:gsub('^tagout: ', ''):gsub('%c', ' '), 0, 30)
    table.insert(parts, percent and ('%s %d%%'):format(title, percent) or title)
  elseif workspace and workspace.index.state ~= 'ready' then
    table.insert(parts, 'index ' .. workspace.index.state)
  end
  return table.concat(parts, ', ')
end

local function announce_change(client_id)
  local one = known[client_id]
  if one then one.line = line_of(one) end
  vim.api.nvim_exec_autocmds('User', {
    pattern = 'TagoutChanged',
    modeline = false,
    data = { client_id = client_id },
  })
  vim.cmd.redrawstatus({ bang = true })
end

--- Takes an overview as the server sends it.
---@param client_id integer
---@param overview table
function M.take(client_id, overview)
  if type(overview) ~= 'table' then return end
  known[client_id] = known[client_id] or { asked = 0, answered = 0, line = 'tagout', percent = {} }
  local before, now = known[client_id].overview, without_null(overview)
  if vim.deep_equal(before, now) then return end
  known[client_id].overview = now
  require('tagout.questions').announce(client_id, now)
  announce_change(client_id)
end

--- Whether nothing may be asked of `client` any more. Neovim stops its clients when it ends, and goes on with timers
--- meanwhile; after `shutdown` a server is to be told `exit` and nothing else.
---@param client vim.lsp.Client
function M.is_ending(client) return client:is_stopped() or vim.v.exiting ~= vim.NIL end

--- Asks a server for its overview. An answer that another one has overtaken is left out.
---@param client_id integer
function M.request(client_id)
  local client, one = vim.lsp.get_client_by_id(client_id), known[client_id]
  if not client or not one or M.is_ending(client) then return end
  one.asked = one.asked + 1
  local number = one.asked
  client:request('workspace/executeCommand', { command = 'tagout.overview', arguments = {} }, function(failure, overview)
    if failure or number < one.answered or known[client_id] ~= one then return end
    one.answered = number
    M.take(client_id, overview)
  end)
end

--- The overview may be another one: asks for it in a moment, so that typing fast does not ask at each key.
---@param client_id integer
function M.changed(client_id)
  local one = known[client_id]
  if not one or one.is_due then return end
  one.is_due = true
  vim.defer_fn(function()
    one.is_due = false
    M.request(client_id)
  end, PAUSE)
end

--- Whether the server tells overviews; an older one gets by with diagnostics and code actions.
---@param client vim.lsp.Client
function M.is_told(client)
  local provider = client.server_capabilities.executeCommandProvider
  return type(provider) == 'table' and vim.list_contains(provider.commands or {}, 'tagout.overview')
end

local function greet(client)
  local version = vim.tbl_get(client, 'server_info', 'version')
  local parsed = version and vim.version.parse(version)
  local text
  if parsed and vim.version.lt(parsed, server.OLDEST) then
    text = ('the server (%s) is older than this plugin, which needs %s'):format(version, server.OLDEST)
  elseif not M.is_told(client) then
    text = ('the server (%s) does not tell what the review shows'):format(version or 'of no version')
  end
  if text then vim.notify(('tagout: %s: update it; until then use code actions'):format(text), vim.log.levels.WARN) end
  if M.is_told(client) then M.request(client.id) end
end

--- A buffer is the server's now.
---@param client vim.lsp.Client
---@param buffer integer
function M.attach(client, buffer)
  client_of[buffer] = client.id
  if known[client.id] then return end
  known[client.id] = { asked = 0, answered = 0, line = 'tagout', percent = {} }
  greet(client)
end

local function forget(client_id)
  if not known[client_id] then return end
  known[client_id] = nil
  for buffer, id in pairs(client_of) do
    if id == client_id then client_of[buffer] = nil end
  end
  require('tagout.questions').forget(client_id)
  announce_change(client_id)
end

vim.api.nvim_create_autocmd('LspDetach', {
  group = group,
  callback = function(event)
    local client_id = event.data.client_id
    if not known[client_id] then return end
    client_of[event.buf] = nil
    -- The client is there until this event is over, also when its server has ended.
    vim.schedule(function()
      local client = vim.lsp.get_client_by_id(client_id)
      if not client or client:is_stopped() then forget(client_id) end
    end)
  end,
})

vim.api.nvim_create_autocmd('LspProgress', {
  group = group,
  callback = function(event)
    local one = known[event.data.client_id]
    local job = one and tostring(event.data.params.token):match('^tagout%-job%-(%d+)$')
    if not job then return end
    local percent = event.data.params.value.percentage
    one.percent[job] = type(percent) == 'number' and percent or nil
    local line = line_of(one)
    if line == one.line then return end
    one.line = line
    vim.cmd.redrawstatus({ bang = true })
  end,
})

--- The clients that are there, with what they told: `{ client, overview }`, the current buffer's first.
function M.all()
  local found, mine = {}, client_of[vim.api.nvim_get_current_buf()]
  for id, one in vim.spairs(known) do
    local client = vim.lsp.get_client_by_id(id)
    if client and not client:is_stopped() then
      local item = { client = client, overview = one.overview or {} }
      table.insert(found, id == mine and 1 or #found + 1, item)
    end
  end
  return found
end

--- The client whose server a buffer is meant for though it is not attached: the only one, unless the buffer is a file
--- of another folder.
local function client_beside(buffer)
  local all = M.all()
  if #all ~= 1 then return nil end
  local name, client = vim.api.nvim_buf_get_name(buffer), all[1].client
  local is_file = name ~= '' and vim.bo[buffer].buftype == '' and not name:find('^%a[%w+.-]+:')
  if not is_file or (client.root_dir and vim.fs.relpath(client.root_dir, name)) then return client.id end
end

--- The client of a buffer, with its overview and the workspace of the buffer's file.
---@param buffer integer?
---@return vim.lsp.Client?, table?, table?
function M.of(buffer)
  buffer = (buffer == nil or buffer == 0) and vim.api.nvim_get_current_buf() or buffer
  local id = client_of[buffer] or client_beside(buffer)
  local one = id and known[id]
  local client = one and vim.lsp.get_client_by_id(id)
  if not client then return nil end
  local overview = one.overview or {}
  return client, overview, workspace_of(overview, vim.api.nvim_buf_get_name(buffer))
end

--- The statusline's text for a buffer: two look-ups.
---@param buffer integer
---@return string
function M.line(buffer)
  local one = known[client_of[buffer]]
  return one and one.line or ''
end

M.counted = counted
M.sum = sum

return M
