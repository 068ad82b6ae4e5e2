--- Which program is started for which folder, and how often: one that ends by itself is started again, later each time,
--- and after a few times no more. Each folder has a server of its own, and is given up for itself.
local settings = require('tagout.settings')

local M = {}

--- The oldest server that this plugin works with in full.
M.OLDEST = '0.1.0'

local MOST_ENDS, WITHIN, FIRST_DELAY = 5, 180000, 250 -- the last two in milliseconds

---@class tagout.Fare how the server of a folder fares
---@field ends integer[] when it ended by itself
---@field turn integer counts its ends, so that only what followed the latest starts it again
---@field stopped_for string? what keeps it from being started
---@field is_given_up boolean?

---@type table<string, tagout.Fare> by folder
local fares = {}
--- Whether the servers are being ended, and the folders that were opened by hand.
local stopping, opened = false, {}
---@type fun()? what follows when the servers have ended
local follows
local told = {}

local function tell(text, level)
  if told[text] then return end
  told[text] = true
  vim.notify('tagout: ' .. text, level)
end

--- The command without its last word, `lsp`: that of the settings, or that which the configuration of Neovim names.
---@return string[]
function M.command()
  local configured = (vim.lsp.config.tagout or {}).cmd
  if type(configured) ~= 'table' then return settings.get().command end
  return configured[#configured] == 'lsp' and vim.list_slice(configured, 1, #configured - 1) or configured
end

--- What is wrong with the program, with what to do about it; nil when nothing is.
---@return string?
function M.problem()
  local program = M.command()[1]
  if vim.fn.executable(program) == 1 then return nil end
  if program:find('/', 1, true) and vim.uv.fs_stat(program) then
    return ('%s cannot be executed: try chmod +x %s'):format(program, program)
  end
  return ('there is no program %s: install tagout, or set vim.g.tagout = { command = "/path/to/tagout" }'):format(program)
end

---@param folder string?
---@return tagout.Fare
local function fare_of(folder)
  folder = folder or ''
  fares[folder] = fares[folder] or { ends = {}, turn = 0 }
  return fares[folder]
end

--- Whether the server of `folder` may be started now; what is in the way is said once.
---@param folder string?
function M.may_start(folder)
  if fare_of(folder).stopped_for then return false end
  local problem = M.problem()
  if problem then tell(problem, vim.log.levels.ERROR) end
  return problem == nil
end

--- What keeps servers from being started, for each folder where something does.
---@return string[]
function M.stopped()
  local found = {}
  for _, fare in vim.spairs(fares) do
    table.insert(found, fare.stopped_for)
  end
  return found
end

--- Why no server is started for `folder` at the moment; without a folder, for the first that has a reason.
---@param folder string?
---@return string?
function M.given_up(folder)
  if folder then return fare_of(folder).stopped_for end
  return M.stopped()[1]
end

local function start_again()
  vim.lsp.enable('tagout')
  -- Before Neovim is up, enabling alone starts nothing.
  if vim.v.vim_did_enter == 0 then vim.cmd('silent! doautoall nvim.lsp.enable FileType') end
end

local function give_up(folder, fare)
  if fare.is_given_up then return end
  fare.is_given_up = true
  local text = 'the server for %s ended %d times within %d minutes and is not started again: see :checkhealth tagout and %s, '
    .. 'then use :Tagout restart'
  fare.stopped_for = text:format(folder, #fare.ends, WITHIN / 60000, vim.lsp.log.get_filename())
  vim.notify('tagout: ' .. fare.stopped_for, vim.log.levels.ERROR)
end

--- The server of `folder` has ended, and nobody asked it to.
local function ended(folder)
  local fare, now = fare_of(folder), vim.uv.now()
  fare.ends = vim.tbl_filter(function(when) return now - when < WITHIN end, fare.ends)
  table.insert(fare.ends, now)
  fare.turn = fare.turn + 1
  if fare.is_given_up or #fare.ends >= MOST_ENDS then return give_up(folder or 'no folder', fare) end
  fare.stopped_for = 'the server ended by itself, and is started again in a moment'
  local turn = fare.turn
  vim.defer_fn(function()
    -- A stop forgets how all of them fared; what ends later than this has a time of its own.
    local is_latest = fares[folder or ''] == fare and fare.turn == turn
    if not is_latest or stopping or vim.v.exiting ~= vim.NIL then return end
    fare.stopped_for = nil
    start_again()
  end, FIRST_DELAY * 2 ^ (#fare.ends - 1))
end

--- Starts the server; what `cmd` of the configuration calls.
---@param dispatchers vim.lsp.rpc.Dispatchers
---@param config vim.lsp.ClientConfig
---@return vim.lsp.rpc.PublicClient
function M.start(dispatchers, config)
  local folder = config and config.root_dir or nil
  local problem = fare_of(folder).stopped_for or M.problem()
  if problem then error('tagout: ' .. problem, 0) end
  local spoke, tell_of_end = false, dispatchers.on_exit
  local function noting(dispatch)
    return function(...)
      spoke = true
      return dispatch(...)
    end
  end
  local ours = vim.tbl_extend('force', dispatchers, {
    notification = noting(dispatchers.notification),
    server_request = noting(dispatchers.server_request),
    on_exit = function(code, signal)
      tell_of_end(code, signal)
      -- 15 is how Neovim itself ends one that does not end when it is asked to.
      local by_itself = not spoke or code ~= 0 or (signal ~= 0 and signal ~= 15)
      vim.schedule(function()
        if by_itself and not stopping and vim.v.exiting == vim.NIL then ended(folder) end
      end)
    end,
  })
  local command = vim.list_extend(vim.deepcopy(settings.get().command), { 'lsp' })
  local place = { cwd = config and config.cmd_cwd, env = config and config.cmd_env, detached = config and config.detached }
  local started, rpc = pcall(vim.lsp.rpc.start, command, ours, place)
  if started then return rpc end
  problem = ('%s cannot be started: %s'):format(command[1], rpc)
  fare_of(folder).stopped_for = problem
  error('tagout: ' .. problem, 0)
end

--- The folder that a buffer's server is for: the nearest one with a mark of a project, or one opened by hand.
---@param buffer integer
---@return string?
function M.folder_of(buffer)
  local markers = (vim.lsp.config.tagout or {}).root_markers or { '.tagout.toml', '.git' }
  local name = vim.api.nvim_buf_get_name(buffer)
  if name == '' or name:find('^%a[%w+.-]+:') then return nil end
  return vim.fs.root(buffer, markers)
    or vim.iter(opened):find(function(folder) return vim.fs.relpath(folder, name) ~= nil end)
end

--- Starts the server for `folder`, whatever marks it has, and attaches the current buffer if it is in there.
---@param folder string
function M.open(folder)
  folder = vim.fs.normalize(vim.fn.fnamemodify(folder, ':p'))
  if #folder > 1 then folder = folder:gsub('/$', '') end
  if vim.fn.isdirectory(folder) == 0 then
    return vim.notify(('tagout: there is no folder %s'):format(folder), vim.log.levels.ERROR)
  end
  if not vim.list_contains(opened, folder) then table.insert(opened, folder) end
  if not M.may_start(folder) then
    return vim.notify('tagout: ' .. (M.given_up(folder) or M.problem()), vim.log.levels.ERROR)
  end
  local config = vim.tbl_extend('force', vim.deepcopy(vim.lsp.config.tagout), { root_dir = folder })
  local inside = vim.fs.relpath(folder, vim.api.nvim_buf_get_name(0)) ~= nil
  vim.lsp.start(config, { bufnr = 0, attach = inside })
end

--- Ends the servers of all folders and calls `after`; one that does not end within five seconds is killed. While they are
--- ending, another call only says what follows instead: a second timer would end the servers that the first one starts.
---@param after fun()?
function M.stop(after)
  follows = after
  if stopping then return end
  stopping = true
  local waited, timer, clients = 0, assert(vim.uv.new_timer()), vim.lsp.get_clients({ name = 'tagout' })
  vim.lsp.enable('tagout', false)
  timer:start(0, 50, vim.schedule_wrap(function()
    local left = vim.tbl_filter(function(client) return vim.lsp.get_client_by_id(client.id) ~= nil end, clients)
    if not timer:is_active() then return end
    if #left > 0 then
      waited = waited + 50
      if waited == 5000 then
        vim.iter(left):each(function(client) client:stop(true) end)
      end
      return
    end
    timer:stop()
    timer:close()
    stopping, fares, told = false, {}, {}
    if follows then follows() end
  end))
end

--- Ends the servers and starts them again. What waited for a review waits still: it is kept outside the server.
function M.restart()
  M.stop(function()
    if M.may_start() then start_again() end
  end)
end

return M
