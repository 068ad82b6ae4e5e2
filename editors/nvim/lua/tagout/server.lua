--- Which program is started for which folder, and how often: one that ends by itself is started again, later each time,
--- and after a few times no more.
local settings = require('tagout.settings')

local M = {}

--- The oldest server that this plugin works with in full.
M.OLDEST = '0.1.0'

local MOST_ENDS, WITHIN, FIRST_DELAY = 5, 180000, 250 -- the last two in milliseconds

--- When the server ended by itself, what keeps it from being started, and the folders that were opened by hand.
local ends, stopped_for, stopping, opened = {}, nil, false, {}
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
  local path = vim.fn.expand(program)
  if path:find('/', 1, true) and vim.uv.fs_stat(path) then
    return ('%s cannot be executed: try chmod +x %s'):format(path, path)
  end
  return ('there is no program %s: install tagout, or set vim.g.tagout = { command = "/path/to/tagout" }'):format(program)
end

--- Whether a server may be started now; what is in the way is said once.
function M.may_start()
  if stopped_for then return false end
  local problem = M.problem()
  if problem then tell(problem, vim.log.levels.ERROR) end
  return problem == nil
end

--- Why no server is started at the moment, if it was given up.
function M.given_up() return stopped_for end

local function give_up(text)
  stopped_for = text
  vim.notify('tagout: ' .. text, vim.log.levels.ERROR)
end

local function start_again()
  stopped_for = nil
  vim.lsp.enable('tagout')
  -- Before Neovim is up, enabling alone starts nothing.
  if vim.v.vim_did_enter == 0 then vim.cmd('silent! doautoall nvim.lsp.enable FileType') end
end

--- The server has ended, and nobody asked it to.
local function ended()
  local now = vim.uv.now()
  ends = vim.tbl_filter(function(when) return now - when < WITHIN end, ends)
  table.insert(ends, now)
  if #ends >= MOST_ENDS then
    local text = 'the server ended %d times within %d minutes and is not started again: see :checkhealth tagout and %s, '
      .. 'then use :Tagout restart'
    return give_up(text:format(#ends, WITHIN / 60000, vim.lsp.log.get_filename()))
  end
  stopped_for = 'the server ended by itself, and is started again in a moment'
  vim.defer_fn(function()
    if stopped_for and vim.v.exiting == vim.NIL and not stopping then start_again() end
  end, FIRST_DELAY * 2 ^ (#ends - 1))
end

--- Starts the server; what `cmd` of the configuration calls.
---@param dispatchers vim.lsp.rpc.Dispatchers
---@param config vim.lsp.ClientConfig
---@return vim.lsp.rpc.PublicClient
function M.start(dispatchers, config)
  local problem = stopped_for or M.problem()
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
        if by_itself and not stopping and vim.v.exiting == vim.NIL then ended() end
      end)
    end,
  })
  local command = vim.list_extend(vim.deepcopy(settings.get().command), { 'lsp' })
  local place = { cwd = config and config.cmd_cwd, env = config and config.cmd_env, detached = config and config.detached }
  local started, rpc = pcall(vim.lsp.rpc.start, command, ours, place)
  if started then return rpc end
  stopped_for = ('%s cannot be started: %s'):format(command[1], rpc)
  error('tagout: ' .. stopped_for, 0)
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
  if not M.may_start() then return vim.notify('tagout: ' .. (stopped_for or M.problem()), vim.log.levels.ERROR) end
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
    stopping, ends, told, stopped_for = false, {}, {}, nil
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
